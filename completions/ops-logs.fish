# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_ops_logs_global_optspecs
    string join \n config= dry-run wait= format= q/quiet v/verbose no-progress color= h/help V/version
end

function __fish_ops_logs_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_ops_logs_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_ops_logs_using_subcommand
    set -l cmd (__fish_ops_logs_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c ops-logs -n "__fish_ops_logs_needs_command" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_needs_command" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_needs_command" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_needs_command" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_needs_command" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -s V -l version -d 'Print version'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "survey" -d 'What is true of this machine\'s logs; reads only, needs no settings and no root'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "init" -d 'Propose settings from what a survey finds'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "presets" -d 'List the stanzas that come with the tool, or show one'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "plan" -d 'Show what `rotate` would do and why, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "rotate" -d 'Rotate what is due, archive it, and remove what no keep-rule wants'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "drain" -d 'Before the machine goes: rotate all that is to go to the store, ship it, and name what could not be shipped'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "ship" -d 'Put what waits for the store there, and sign for it; removes nothing'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "direct" -d 'For sets that ship without an archive here (`ship = "direct"`): put rotated logs into the store, compressed on their way, and remove each once the store has it'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "prune" -d 'Show which objects of the store no rule (`store-keep`) wants there any more, and why; with --apply, remove them'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "restore" -d 'Get logs back from the store, as the text that they were'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "status" -d 'Each log\'s size, last and next rotation, archives and problems'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "verify" -d 'Decompress every archive and compare it with what was recorded when it was made; or prove a store, given by its URL'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "iam-policy" -d 'The rights that a command needs on the bucket of the settings, and no other, as a document of IAM'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "sql" -d 'Print what makes a table of the store in another engine, one row for each line'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "config" -d 'Check, show or describe the settings'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "history" -d 'What earlier runs did, newest last'
complete -c ops-logs -n "__fish_ops_logs_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l root -d 'Look here instead of in /var/log, /opt, /srv and /home; may be given several times' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l top -d 'How many rows and findings of a kind to show' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand survey" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l root -d 'Look here instead of in /var/log, /opt, /srv and /home; may be given several times' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l out -d 'Write to this file, which must not exist, instead of standard output' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand init" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand presets" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l method -d 'Only sets with one of these methods; several joined by commas' -r -f -a "rename\t'The log is exchanged with an empty file; its writer opens it anew'
in-place\t'The file stays, and its head is taken away once it is archived: for writers that cannot open it anew'
collect\t'The writer rotates by itself; what it is done with is archived before it is deleted'"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l force -d 'As if every log that is not empty were due; means nothing for one that is collected'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l method -d 'Only sets with one of these methods; several joined by commas' -r -f -a "rename\t'The log is exchanged with an empty file; its writer opens it anew'
in-place\t'The file stays, and its head is taken away once it is archived: for writers that cannot open it anew'
collect\t'The writer rotates by itself; what it is done with is archived before it is deleted'"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l force -d 'Rotate every log that is not empty, due or not; means nothing for one that is collected'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l finish -d 'Rotate no log; only finish what was begun, hand it over, take back what the store has, and remove'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l keep-all -d 'Remove no archive, whatever the keep-rules say, but where free space (`min-free`) is wanting'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l deadline -d 'How long all of it may take' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l bandwidth -d 'Send so many bytes a second at most, instead of what the settings say: `10MiB`' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l profile -d 'Ask as this profile of the AWS files' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l region -d 'In this region' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l role -d 'Take on this role first' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l endpoint-url -d 'Whoever answers there, instead of AWS' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand drain" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l bandwidth -d 'Send so many bytes a second at most, instead of what the settings say: `10MiB`' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l profile -d 'Ask as this profile of the AWS files' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l region -d 'In this region' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l role -d 'Take on this role first' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l endpoint-url -d 'Whoever answers there, instead of AWS' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand ship" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l bandwidth -d 'Send so many bytes a second at most, instead of what the settings say: `10MiB`' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l profile -d 'Ask as this profile of the AWS files' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l region -d 'In this region' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l role -d 'Take on this role first' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l endpoint-url -d 'Whoever answers there, instead of AWS' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand direct" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l method -d 'Only sets with one of these methods; several joined by commas' -r -f -a "rename\t'The log is exchanged with an empty file; its writer opens it anew'
in-place\t'The file stays, and its head is taken away once it is archived: for writers that cannot open it anew'
collect\t'The writer rotates by itself; what it is done with is archived before it is deleted'"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l host -d 'Objects of this machine instead of this one\'s own, say of one that is gone; may be given several times' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l store -d 'Of this store instead of that of the settings' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l profile -d 'Ask as this profile of the AWS files' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l region -d 'In this region' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l role -d 'Take on this role first' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l endpoint-url -d 'Whoever answers there, instead of AWS' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l apply -d 'Remove them; each is named in this machine\'s manifest first'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand prune" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l host -d 'Only of this machine; may be given several times' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l since -d 'Only archives with a line from then on, each whole: `2026-11-21` (its first moment in UTC), `2026-11-21T03:00:00Z`, or `2h` (so long ago)' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l until -d 'Only archives with a line until then' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l store -d 'From this store instead of that of the settings' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l to -d 'Into this folder, which must be there; `-`: to standard output, one after the other' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l tier -d 'How fast what is in Glacier is brought back, when it comes into a folder' -r -f -a "bulk\t'The cheapest, the slowest'
standard\t'Hours'
expedited\t'Minutes, and dear; not for deep archives'"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l days -d 'For how many days it can be read then' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l profile -d 'Ask as this profile of the AWS files' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l region -d 'In this region' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l role -d 'Take on this role first' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l endpoint-url -d 'Whoever answers there, instead of AWS' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -l method -d 'Only sets with one of these methods; several joined by commas' -r -f -a "rename\t'The log is exchanged with an empty file; its writer opens it anew'
in-place\t'The file stays, and its head is taken away once it is archived: for writers that cannot open it anew'
collect\t'The writer rotates by itself; what it is done with is archived before it is deleted'"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l method -d 'Only sets with one of these methods; several joined by commas' -r -f -a "rename\t'The log is exchanged with an empty file; its writer opens it anew'
in-place\t'The file stays, and its head is taken away once it is archived: for writers that cannot open it anew'
collect\t'The writer rotates by itself; what it is done with is archived before it is deleted'"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l host -d 'Of a store: only what this machine put there; may be given several times' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l public-key -d 'Of a store: how manifests end was signed with the key whose public half is in this file (PEM or DER), instead of `sign-key` of the settings, and KMS is not asked; may be given several times' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l fresh -d 'Of a store: ask for a person where the end of a manifest was signed longer ago: `26h`' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l profile -d 'Ask as this profile of the AWS files' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l region -d 'In this region' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l role -d 'Take on this role first' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l endpoint-url -d 'Whoever answers there, instead of AWS' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l quick -d 'Of a store: compare the sizes of objects, and read none'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand iam-policy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -l store -d 'Of this store instead of that of the settings' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand sql" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -f -a "check" -d 'Read all settings files and name every problem with its line'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -f -a "show" -d 'The merged settings, with the origin of each value'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -f -a "schema" -d 'The JSON Schema of the settings, for editors'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and not __fish_seen_subcommand_from check show schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Read all settings files and name every problem with its line'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'The merged settings, with the origin of each value'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "schema" -d 'The JSON Schema of the settings, for editors'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -l last -d 'How many runs to show' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -l config -d 'Read these settings (a file, or a folder of *.toml) instead of the standard ones' -r -F
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -l wait -d 'Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once' -r
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -l format -d 'How to print the result: a table for people, or one JSON document' -r -f -a "table\t''
json\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -l color -d 'When to use colour; `NO_COLOR` is honoured' -r -f -a "auto\t''
always\t''
never\t''"
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -l dry-run -d 'Show what would be done, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -s q -l quiet -d 'Print nothing unless something went wrong'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -s v -l verbose -d 'Also list what needed nothing, with the reason'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -l no-progress -d 'No progress bars, also on a terminal'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand history" -s h -l help -d 'Print help'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "survey" -d 'What is true of this machine\'s logs; reads only, needs no settings and no root'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "init" -d 'Propose settings from what a survey finds'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "presets" -d 'List the stanzas that come with the tool, or show one'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "plan" -d 'Show what `rotate` would do and why, and do nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "rotate" -d 'Rotate what is due, archive it, and remove what no keep-rule wants'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "drain" -d 'Before the machine goes: rotate all that is to go to the store, ship it, and name what could not be shipped'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "ship" -d 'Put what waits for the store there, and sign for it; removes nothing'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "direct" -d 'For sets that ship without an archive here (`ship = "direct"`): put rotated logs into the store, compressed on their way, and remove each once the store has it'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "prune" -d 'Show which objects of the store no rule (`store-keep`) wants there any more, and why; with --apply, remove them'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "restore" -d 'Get logs back from the store, as the text that they were'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "status" -d 'Each log\'s size, last and next rotation, archives and problems'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "verify" -d 'Decompress every archive and compare it with what was recorded when it was made; or prove a store, given by its URL'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "iam-policy" -d 'The rights that a command needs on the bucket of the settings, and no other, as a document of IAM'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "sql" -d 'Print what makes a table of the store in another engine, one row for each line'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "config" -d 'Check, show or describe the settings'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "history" -d 'What earlier runs did, newest last'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and not __fish_seen_subcommand_from survey init presets plan rotate drain ship direct prune restore status verify iam-policy sql config history help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Read all settings files and name every problem with its line'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'The merged settings, with the origin of each value'
complete -c ops-logs -n "__fish_ops_logs_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "schema" -d 'The JSON Schema of the settings, for editors'
