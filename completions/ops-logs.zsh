#compdef ops-logs

autoload -U is-at-least

_ops-logs() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_ops-logs_commands" \
"*::: :->ops-logs" \
&& ret=0
    case $state in
    (ops-logs)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ops-logs-command-$line[1]:"
        case $line[1] in
            (survey)
_arguments "${_arguments_options[@]}" : \
'*--root=[Look here instead of in /var/log, /opt, /srv and /home; may be given several times]:FOLDER:_files' \
'--top=[How many rows and findings of a kind to show]:N:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(init)
_arguments "${_arguments_options[@]}" : \
'*--root=[Look here instead of in /var/log, /opt, /srv and /home; may be given several times]:FOLDER:_files' \
'--out=[Write to this file, which must not exist, instead of standard output]:FILE:_files' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(presets)
_arguments "${_arguments_options[@]}" : \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
'::name -- The preset to show:(apache apt chrony cloud-init docker fail2ban haproxy httpd mariadb mysql nginx php-fpm redis suricata syslog)' \
&& ret=0
;;
(plan)
_arguments "${_arguments_options[@]}" : \
'*--method=[Only sets with one of these methods; several joined by commas]:METHOD:((rename\:"The log is exchanged with an empty file; its writer opens it anew"
in-place\:"The file stays, and its head is taken away once it is archived\: for writers that cannot open it anew"
collect\:"The writer rotates by itself; what it is done with is archived before it is deleted"))' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--force[As if every log that is not empty were due; means nothing for one that is collected]' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::sets -- Names of sets; all of them when left out:_default' \
&& ret=0
;;
(rotate)
_arguments "${_arguments_options[@]}" : \
'*--method=[Only sets with one of these methods; several joined by commas]:METHOD:((rename\:"The log is exchanged with an empty file; its writer opens it anew"
in-place\:"The file stays, and its head is taken away once it is archived\: for writers that cannot open it anew"
collect\:"The writer rotates by itself; what it is done with is archived before it is deleted"))' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--force[Rotate every log that is not empty, due or not; means nothing for one that is collected]' \
'(--force)--finish[Rotate no log; only finish what was begun, hand it over, take back what the store has, and remove]' \
'--keep-all[Remove no archive, whatever the keep-rules say, but where free space (\`min-free\`) is wanting]' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::sets -- Names of sets; all of them when left out:_default' \
&& ret=0
;;
(drain)
_arguments "${_arguments_options[@]}" : \
'--deadline=[How long all of it may take]:TIME:_default' \
'--bandwidth=[Send so many bytes a second at most, instead of what the settings say\: \`10MiB\`]:BYTES:_default' \
'--profile=[Ask as this profile of the AWS files]:PROFILE:_default' \
'--region=[In this region]:REGION:_default' \
'--role=[Take on this role first]:ARN:_default' \
'--endpoint-url=[Whoever answers there, instead of AWS]:URL:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(ship)
_arguments "${_arguments_options[@]}" : \
'--bandwidth=[Send so many bytes a second at most, instead of what the settings say\: \`10MiB\`]:BYTES:_default' \
'--profile=[Ask as this profile of the AWS files]:PROFILE:_default' \
'--region=[In this region]:REGION:_default' \
'--role=[Take on this role first]:ARN:_default' \
'--endpoint-url=[Whoever answers there, instead of AWS]:URL:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(direct)
_arguments "${_arguments_options[@]}" : \
'--bandwidth=[Send so many bytes a second at most, instead of what the settings say\: \`10MiB\`]:BYTES:_default' \
'--profile=[Ask as this profile of the AWS files]:PROFILE:_default' \
'--region=[In this region]:REGION:_default' \
'--role=[Take on this role first]:ARN:_default' \
'--endpoint-url=[Whoever answers there, instead of AWS]:URL:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(prune)
_arguments "${_arguments_options[@]}" : \
'*--method=[Only sets with one of these methods; several joined by commas]:METHOD:((rename\:"The log is exchanged with an empty file; its writer opens it anew"
in-place\:"The file stays, and its head is taken away once it is archived\: for writers that cannot open it anew"
collect\:"The writer rotates by itself; what it is done with is archived before it is deleted"))' \
'*--host=[Objects of this machine instead of this one'\''s own, say of one that is gone; may be given several times]:HOST:_default' \
'--store=[Of this store instead of that of the settings]:URL:_default' \
'--profile=[Ask as this profile of the AWS files]:PROFILE:_default' \
'--region=[In this region]:REGION:_default' \
'--role=[Take on this role first]:ARN:_default' \
'--endpoint-url=[Whoever answers there, instead of AWS]:URL:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--apply[Remove them; each is named in this machine'\''s manifest first]' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::sets -- Names of sets; all of them when left out:_default' \
&& ret=0
;;
(restore)
_arguments "${_arguments_options[@]}" : \
'*--host=[Only of this machine; may be given several times]:HOST:_default' \
'--since=[Only archives with a line from then on, each whole\: \`2026-11-21\` (its first moment in UTC), \`2026-11-21T03\:00\:00Z\`, or \`2h\` (so long ago)]:TIME:_default' \
'--until=[Only archives with a line until then]:TIME:_default' \
'--store=[From this store instead of that of the settings]:URL:_default' \
'--to=[Into this folder, which must be there; \`-\`\: to standard output, one after the other]:FOLDER:_files' \
'--tier=[How fast what is in Glacier is brought back, when it comes into a folder]:TIER:((bulk\:"The cheapest, the slowest"
standard\:"Hours"
expedited\:"Minutes, and dear; not for deep archives"))' \
'--days=[For how many days it can be read then]:DAYS:_default' \
'--profile=[Ask as this profile of the AWS files]:PROFILE:_default' \
'--region=[In this region]:REGION:_default' \
'--role=[Take on this role first]:ARN:_default' \
'--endpoint-url=[Whoever answers there, instead of AWS]:URL:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::sets -- Sets, or services as the store calls them; all of them when left out:_default' \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
'*--method=[Only sets with one of these methods; several joined by commas]:METHOD:((rename\:"The log is exchanged with an empty file; its writer opens it anew"
in-place\:"The file stays, and its head is taken away once it is archived\: for writers that cannot open it anew"
collect\:"The writer rotates by itself; what it is done with is archived before it is deleted"))' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::sets -- Names of sets; all of them when left out:_default' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'*--method=[Only sets with one of these methods; several joined by commas]:METHOD:((rename\:"The log is exchanged with an empty file; its writer opens it anew"
in-place\:"The file stays, and its head is taken away once it is archived\: for writers that cannot open it anew"
collect\:"The writer rotates by itself; what it is done with is archived before it is deleted"))' \
'*--host=[Of a store\: only what this machine put there; may be given several times]:HOST:_default' \
'*--public-key=[Of a store\: how manifests end was signed with the key whose public half is in this file (PEM or DER), instead of \`sign-key\` of the settings, and KMS is not asked; may be given several times]:FILE:_files' \
'--fresh=[Of a store\: ask for a person where the end of a manifest was signed longer ago\: \`26h\`]:TIME:_default' \
'--profile=[Ask as this profile of the AWS files]:PROFILE:_default' \
'--region=[In this region]:REGION:_default' \
'--role=[Take on this role first]:ARN:_default' \
'--endpoint-url=[Whoever answers there, instead of AWS]:URL:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--quick[Of a store\: compare the sizes of objects, and read none]' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::sets -- Names of sets; all of them when left out:_default' \
&& ret=0
;;
(iam-policy)
_arguments "${_arguments_options[@]}" : \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::command -- The command; all that talk to the store when left out:((ship\:"What \`ship\` does"
restore\:"What \`restore\` does"
verify\:"What \`verify\` of the store does"
prune\:"What \`prune --apply\` does"
drain\:"What \`drain\` does, which ships"
direct\:"What \`direct\` does, which ships"
role\:"What this machine itself needs, where the settings name a role\: to take it on"))' \
&& ret=0
;;
(sql)
_arguments "${_arguments_options[@]}" : \
'--store=[Of this store instead of that of the settings]:URL:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':engine -- Which engine:((duckdb\:"\`DuckDB\`\: a view"
athena\:"Amazon Athena\: an external table that needs no partitions to be added"
trino\:"Trino with its Hive connector\: an external table"))' \
&& ret=0
;;
(config)
_arguments "${_arguments_options[@]}" : \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
":: :_ops-logs__subcmd__config_commands" \
"*::: :->config" \
&& ret=0

    case $state in
    (config)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ops-logs-config-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(schema)
_arguments "${_arguments_options[@]}" : \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ops-logs__subcmd__config__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ops-logs-config-help-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(schema)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(history)
_arguments "${_arguments_options[@]}" : \
'--last=[How many runs to show]:N:_default' \
'--config=[Read these settings (a file, or a folder of *.toml) instead of the standard ones]:FILE:_files' \
'--wait=[Wait so long, \`30s\`, for another run that is at it, instead of ending with 75 at once]:TIME:_default' \
'--format=[How to print the result\: a table for people, or one JSON document]:FORMAT:(table json)' \
'--color=[When to use colour; \`NO_COLOR\` is honoured]:WHEN:(auto always never)' \
'--dry-run[Show what would be done, and do nothing]' \
'(-v --verbose)-q[Print nothing unless something went wrong]' \
'(-v --verbose)--quiet[Print nothing unless something went wrong]' \
'-v[Also list what needed nothing, with the reason]' \
'--verbose[Also list what needed nothing, with the reason]' \
'--no-progress[No progress bars, also on a terminal]' \
'-h[Print help]' \
'--help[Print help]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_ops-logs__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ops-logs-help-command-$line[1]:"
        case $line[1] in
            (survey)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(init)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(presets)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(plan)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(rotate)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(drain)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(ship)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(direct)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(prune)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(restore)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(iam-policy)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sql)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(config)
_arguments "${_arguments_options[@]}" : \
":: :_ops-logs__subcmd__help__subcmd__config_commands" \
"*::: :->config" \
&& ret=0

    case $state in
    (config)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:ops-logs-help-config-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(schema)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(history)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_ops-logs_commands] )) ||
_ops-logs_commands() {
    local commands; commands=(
'survey:What is true of this machine'\''s logs; reads only, needs no settings and no root' \
'init:Propose settings from what a survey finds' \
'presets:List the stanzas that come with the tool, or show one' \
'plan:Show what \`rotate\` would do and why, and do nothing' \
'rotate:Rotate what is due, archive it, and remove what no keep-rule wants' \
'drain:Before the machine goes\: rotate all that is to go to the store, ship it, and name what could not be shipped' \
'ship:Put what waits for the store there, and sign for it; removes nothing' \
'direct:For sets that ship without an archive here (\`ship = "direct"\`)\: put rotated logs into the store, compressed on their way, and remove each once the store has it' \
'prune:Show which objects of the store no rule (\`store-keep\`) wants there any more, and why; with --apply, remove them' \
'restore:Get logs back from the store, as the text that they were' \
'status:Each log'\''s size, last and next rotation, archives and problems' \
'verify:Decompress every archive and compare it with what was recorded when it was made; or prove a store, given by its URL' \
'iam-policy:The rights that a command needs on the bucket of the settings, and no other, as a document of IAM' \
'sql:Print what makes a table of the store in another engine, one row for each line' \
'config:Check, show or describe the settings' \
'history:What earlier runs did, newest last' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ops-logs commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config_commands] )) ||
_ops-logs__subcmd__config_commands() {
    local commands; commands=(
'check:Read all settings files and name every problem with its line' \
'show:The merged settings, with the origin of each value' \
'schema:The JSON Schema of the settings, for editors' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ops-logs config commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__check_commands] )) ||
_ops-logs__subcmd__config__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs config check commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__help_commands] )) ||
_ops-logs__subcmd__config__subcmd__help_commands() {
    local commands; commands=(
'check:Read all settings files and name every problem with its line' \
'show:The merged settings, with the origin of each value' \
'schema:The JSON Schema of the settings, for editors' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ops-logs config help commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__help__subcmd__check_commands] )) ||
_ops-logs__subcmd__config__subcmd__help__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs config help check commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__help__subcmd__help_commands] )) ||
_ops-logs__subcmd__config__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs config help help commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__help__subcmd__schema_commands] )) ||
_ops-logs__subcmd__config__subcmd__help__subcmd__schema_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs config help schema commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__help__subcmd__show_commands] )) ||
_ops-logs__subcmd__config__subcmd__help__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs config help show commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__schema_commands] )) ||
_ops-logs__subcmd__config__subcmd__schema_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs config schema commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__config__subcmd__show_commands] )) ||
_ops-logs__subcmd__config__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs config show commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__direct_commands] )) ||
_ops-logs__subcmd__direct_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs direct commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__drain_commands] )) ||
_ops-logs__subcmd__drain_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs drain commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help_commands] )) ||
_ops-logs__subcmd__help_commands() {
    local commands; commands=(
'survey:What is true of this machine'\''s logs; reads only, needs no settings and no root' \
'init:Propose settings from what a survey finds' \
'presets:List the stanzas that come with the tool, or show one' \
'plan:Show what \`rotate\` would do and why, and do nothing' \
'rotate:Rotate what is due, archive it, and remove what no keep-rule wants' \
'drain:Before the machine goes\: rotate all that is to go to the store, ship it, and name what could not be shipped' \
'ship:Put what waits for the store there, and sign for it; removes nothing' \
'direct:For sets that ship without an archive here (\`ship = "direct"\`)\: put rotated logs into the store, compressed on their way, and remove each once the store has it' \
'prune:Show which objects of the store no rule (\`store-keep\`) wants there any more, and why; with --apply, remove them' \
'restore:Get logs back from the store, as the text that they were' \
'status:Each log'\''s size, last and next rotation, archives and problems' \
'verify:Decompress every archive and compare it with what was recorded when it was made; or prove a store, given by its URL' \
'iam-policy:The rights that a command needs on the bucket of the settings, and no other, as a document of IAM' \
'sql:Print what makes a table of the store in another engine, one row for each line' \
'config:Check, show or describe the settings' \
'history:What earlier runs did, newest last' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'ops-logs help commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__config_commands] )) ||
_ops-logs__subcmd__help__subcmd__config_commands() {
    local commands; commands=(
'check:Read all settings files and name every problem with its line' \
'show:The merged settings, with the origin of each value' \
'schema:The JSON Schema of the settings, for editors' \
    )
    _describe -t commands 'ops-logs help config commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__config__subcmd__check_commands] )) ||
_ops-logs__subcmd__help__subcmd__config__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help config check commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__config__subcmd__schema_commands] )) ||
_ops-logs__subcmd__help__subcmd__config__subcmd__schema_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help config schema commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__config__subcmd__show_commands] )) ||
_ops-logs__subcmd__help__subcmd__config__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help config show commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__direct_commands] )) ||
_ops-logs__subcmd__help__subcmd__direct_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help direct commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__drain_commands] )) ||
_ops-logs__subcmd__help__subcmd__drain_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help drain commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__help_commands] )) ||
_ops-logs__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help help commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__history_commands] )) ||
_ops-logs__subcmd__help__subcmd__history_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help history commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__iam-policy_commands] )) ||
_ops-logs__subcmd__help__subcmd__iam-policy_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help iam-policy commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__init_commands] )) ||
_ops-logs__subcmd__help__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help init commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__plan_commands] )) ||
_ops-logs__subcmd__help__subcmd__plan_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help plan commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__presets_commands] )) ||
_ops-logs__subcmd__help__subcmd__presets_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help presets commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__prune_commands] )) ||
_ops-logs__subcmd__help__subcmd__prune_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help prune commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__restore_commands] )) ||
_ops-logs__subcmd__help__subcmd__restore_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help restore commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__rotate_commands] )) ||
_ops-logs__subcmd__help__subcmd__rotate_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help rotate commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__ship_commands] )) ||
_ops-logs__subcmd__help__subcmd__ship_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help ship commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__sql_commands] )) ||
_ops-logs__subcmd__help__subcmd__sql_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help sql commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__status_commands] )) ||
_ops-logs__subcmd__help__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help status commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__survey_commands] )) ||
_ops-logs__subcmd__help__subcmd__survey_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help survey commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__help__subcmd__verify_commands] )) ||
_ops-logs__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs help verify commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__history_commands] )) ||
_ops-logs__subcmd__history_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs history commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__iam-policy_commands] )) ||
_ops-logs__subcmd__iam-policy_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs iam-policy commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__init_commands] )) ||
_ops-logs__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs init commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__plan_commands] )) ||
_ops-logs__subcmd__plan_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs plan commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__presets_commands] )) ||
_ops-logs__subcmd__presets_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs presets commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__prune_commands] )) ||
_ops-logs__subcmd__prune_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs prune commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__restore_commands] )) ||
_ops-logs__subcmd__restore_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs restore commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__rotate_commands] )) ||
_ops-logs__subcmd__rotate_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs rotate commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__ship_commands] )) ||
_ops-logs__subcmd__ship_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs ship commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__sql_commands] )) ||
_ops-logs__subcmd__sql_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs sql commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__status_commands] )) ||
_ops-logs__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs status commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__survey_commands] )) ||
_ops-logs__subcmd__survey_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs survey commands' commands "$@"
}
(( $+functions[_ops-logs__subcmd__verify_commands] )) ||
_ops-logs__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'ops-logs verify commands' commands "$@"
}

if [ "$funcstack[1]" = "_ops-logs" ]; then
    _ops-logs "$@"
else
    compdef _ops-logs ops-logs
fi
