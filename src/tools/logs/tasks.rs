//! From what was typed, and the settings, to what is to be done. Loads settings only for a command that needs them.

use std::{
    fs::File,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    command::{Choice, Command},
    direct::Direct,
    drain::Drain,
    heirs::Heirs,
    init::{Init, InitFile},
    manifest::register::sign::SignKey,
    paper,
    parcel::key,
    policy::Policy,
    presets::Presets,
    prune::Prune,
    restore::{Folder, Restore, Source, Thaw, To, Wanted},
    rotate::{Begins, Rotate, Shipping},
    settings::{self, LogSet, Settings, StoreWords},
    ship::Ship,
    spool::Spool,
    sql::{Engine, Sql},
    status::Status,
    survey::Survey,
    verify::{SignedBy, Verify, VerifyStore},
};
use crate::{
    aws::reach::Reach,
    failure::{Doing, Exit, Failure, Result},
    run::host,
    settings::{
        Loaded, suggest,
        units::{Bytes, Span},
    },
    store::{Address, Terms, signer},
    tool::Task,
};

/// What a command comes to.
pub(super) fn task(command: Command, load: &dyn Fn() -> Result<Loaded<Settings>>) -> Result<Task> {
    Ok(match command {
        Command::Survey { view, top } => Task::Query(Box::new(Survey { top, ..view.survey()? })),
        Command::Init { view, out: None } => Task::Query(Box::new(Init(view.survey()?))),
        Command::Init { view, out: Some(out) } => Task::Change(Box::new(InitFile { survey: view.survey()?, out })),
        Command::Presets { name } => Task::Query(Box::new(Presets { name })),
        Command::Plan { choice, force } => Task::Plan(Box::new(rotation(&load()?, &choice, begins(force, false))?)),
        Command::Rotate { choice, force, finish, keep_all } => {
            let rotate = rotation(&load()?, &choice, begins(force, finish))?;
            Task::Change(Box::new(Rotate { keeps_all: keep_all, ..rotate }))
        }
        Command::Drain { deadline, bandwidth, reach } => Task::Change(Box::new(drain(&load()?, deadline, bandwidth, reach)?)),
        Command::Ship { bandwidth, reach } => Task::Change(Box::new(ship(load()?.value, bandwidth, reach)?)),
        Command::Direct { bandwidth, reach } => Task::Change(Box::new(direct(load()?, bandwidth, reach)?)),
        Command::Prune { choice, hosts, store, apply, reach } => {
            let prune = Box::new(prune(&load()?, &choice, hosts, store, reach)?);
            if apply { Task::Change(prune) } else { Task::Plan(prune) }
        }
        Command::Restore { sets, hosts, since, until, store, to, tier, days, reach } => {
            let settings = load()?.value;
            let store = store.map_or_else(|| Ok(store_of(&settings)?.url.clone()), Ok::<_, Failure>)?;
            let wanted = Wanted { sets, hosts, since, until };
            let (terms, parallel) = (terms(&settings, &store, reach)?, settings.parallel());
            let from = Source { store, terms, wanted, parallel };
            if to.as_os_str() == "-" {
                Task::Stream(Box::new(Restore { from, to: To::Out }))
            } else {
                let into = std::path::absolute(&to).map_err(|error| Failure::of_system("find", to.display(), &error))?;
                Task::Change(Box::new(Restore { from, to: To::Folder(Folder { into, thaw: Thaw { tier, days } }) }))
            }
        }
        Command::Status { choice } => Task::Query(Box::new(Status(rotation(&load()?, &choice, Begins::Due)?))),
        Command::Verify { choice, hosts, quick, reach, public_keys, fresh } if choice.is_a_store() => {
            let settings = load()?.value;
            let (store, parallel) = (choice.store()?, settings.parallel());
            let terms = terms(&settings, &store, reach)?;
            let signed_by = signed_by(&settings, &store, &terms, &public_keys)?;
            if let (Some(_), None) = (fresh, &signed_by) {
                let refused = Failure::new("tell", "how fresh the ends of manifests are").because("nobody knows who signs them");
                return Err(refused.hint("--public-key FILE, or sign-key in [store]").exit(Exit::BadInput));
            }
            let spool = settings.store.as_ref().map(|store| Spool::at(store.spool()));
            let (host, fresh) = (host(&settings), fresh.map(Span::chrono));
            Task::Query(Box::new(VerifyStore { store, terms, spool, hosts, host, quick, parallel, signed_by, fresh }))
        }
        Command::Verify { hosts, quick, reach, public_keys, fresh, .. }
            if quick || !hosts.is_empty() || !reach.is_silent() || !public_keys.is_empty() || fresh.is_some() =>
        {
            let flags = match (reach.is_silent(), public_keys.is_empty() && fresh.is_none()) {
                (false, _) => "profile, region, role and endpoint",
                (true, false) => "--public-key and --fresh",
                (true, true) => "--host and --quick",
            };
            let refused = Failure::new("verify", "archives of this machine").because(format!("{flags} are about a store"));
            return Err(refused.hint("name the store: ops-logs verify file:///srv/archive").exit(Exit::BadInput));
        }
        Command::Verify { choice, .. } => {
            let loaded = load()?;
            let sets = (!choice.is_of_all()).then(|| chosen(&loaded, &choice)).transpose()?;
            let sets = sets.map(|sets| sets.into_iter().map(|set| set.name).collect());
            let settings = loaded.value;
            Task::Query(Box::new(Verify {
                sets,
                heirs: Heirs::of(settings.sets()?),
                host: host(&settings),
                spool: settings.store.as_ref().map(|store| Spool::at(store.spool())),
                parallel: settings.parallel(),
            }))
        }
        Command::Sql { engine, store } => Task::Query(Box::new(sql(&load()?.value, engine, store)?)),
        Command::IamPolicy { command } => {
            let store = store_of(&load()?.value)?.clone();
            Task::Query(Box::new(Policy { store, jobs: command.into_iter().collect() }))
        }
        Command::HandInFolder(hand) => Task::Query(Box::new(hand)),
    })
}

fn rotation(loaded: &Loaded<Settings>, choice: &Choice, begins: Begins) -> Result<Rotate> {
    let sets = chosen(loaded, choice)?;
    let settings = &loaded.value;
    let all = settings.sets()?;
    let others = all.iter().map(|set| &set.name).filter(|name| sets.iter().all(|set| set.name != **name)).cloned().collect();
    Ok(Rotate {
        sets,
        others,
        heirs: Heirs::of(all),
        begins,
        keeps_all: false,
        logrotate: settings.logrotate().filter(|path| is_asked(path)).map(PathBuf::from),
        parallel: settings.parallel(),
        host: host(settings),
        shipping: settings.store.as_ref().map(|store| Shipping {
            store: store.url.to_string(),
            spool: Spool::at(store.spool()),
            most: store.spool_max(),
            company: store.company(),
            tariff: store.tariff(),
        }),
    })
}

fn begins(force: bool, finish: bool) -> Begins {
    match (force, finish) {
        (true, _) => Begins::All,
        (false, true) => Begins::Nothing,
        (false, false) => Begins::Due,
    }
}

fn drain(loaded: &Loaded<Settings>, deadline: Duration, bandwidth: Option<Bytes>, reach: Reach) -> Result<Drain> {
    let pace = bandwidth.into_iter().flat_map(|bytes| ["--bandwidth".to_owned(), bytes.to_string()]);
    let how = reach.words().into_iter().chain(pace).collect();
    let ship = ship(loaded.value.clone(), bandwidth, reach)?;
    let mut rotate = Rotate { keeps_all: true, ..rotation(loaded, &Choice::default(), Begins::All)? };
    let (ships, stay): (Vec<_>, Vec<_>) = rotate.sets.into_iter().partition(|set| set.service.is_some());
    if ships.is_empty() {
        let refused = Failure::new("drain", "this machine").because("no set ships anything");
        return Err(refused.hint("leave out `ship = false`").exit(Exit::BadInput));
    }
    rotate.sets = ships;
    rotate.others.extend(stay.into_iter().map(|set| set.name));
    let config = loaded.named().map(std::path::absolute).transpose();
    let config = config.map_err(|error| Failure::of_system("find", "the settings", &error))?;
    Ok(Drain { rotate, ship, how, config, began: Instant::now(), deadline })
}

fn direct(loaded: Loaded<Settings>, bandwidth: Option<Bytes>, reach: Reach) -> Result<Direct> {
    let rotate = rotation(&loaded, &Choice::default(), Begins::Nothing)?;
    Ok(Direct { rotate, ship: ship(loaded.value, bandwidth, reach)? })
}

fn ship(mut settings: Settings, bandwidth: Option<Bytes>, reach: Reach) -> Result<Ship> {
    if let (Some(store), Some(_)) = (&mut settings.store, bandwidth) {
        store.bandwidth = bandwidth;
        if let Some(wrong) = store.check().into_iter().next() {
            let failure = Failure::new("use", "--bandwidth").because(wrong.problem).exit(Exit::BadInput);
            return Err(failure);
        }
    }
    let store = store_of(&settings)?;
    // What another one charges than that of the settings, they do not say.
    let tariff = store.tariff().filter(|_| !reach.names_an_endpoint() || store.prices.is_some());
    let terms = terms(&settings, &store.url, reach)?;
    let beside_direct = settings.sets()?.iter().any(|set| set.direct.is_some());
    Ok(Ship {
        store: store.url.clone(),
        tariff,
        lock: store.lock,
        sign_key: sign_key(store, &terms),
        spool: Spool::at(store.spool()),
        host: host(&settings),
        parallel: settings.parallel(),
        beside_direct,
        terms,
    })
}

/// What signs for the store of the settings; whoever uses it asks.
fn sign_key(store: &StoreWords, terms: &Terms) -> Option<SignKey> {
    store.sign_key.clone().map(|key| SignKey { key, terms: terms.clone() })
}

/// Who may have signed how the manifests of that store end.
fn signed_by(settings: &Settings, store: &Address, terms: &Terms, typed: &[PathBuf]) -> Result<Option<SignedBy>> {
    if typed.is_empty() {
        let own = settings.store.as_ref().filter(|own| own.url == *store);
        return Ok(own.and_then(|own| sign_key(own, terms)).map(Box::new).map(SignedBy::Kms));
    }
    let read = |path: &PathBuf| {
        let shown = path.display().to_string();
        let file = File::open(path).doing("read the public key in", &shown);
        let text = file.and_then(|file| paper::read_file(&file, &shown, paper::LONGEST));
        text.and_then(|text| signer::public_key(&text, &shown)).map_err(|failure| failure.exit(Exit::BadInput))
    };
    Ok(Some(SignedBy::Keys(typed.iter().map(read).collect::<Result<_>>()?)))
}

fn sql(settings: &Settings, engine: Engine, typed: Option<Address>) -> Result<Sql> {
    let own = || store_of(settings).map(|store| store.url.clone());
    let store = typed.map_or_else(own, Ok)?;
    let ours = settings.store.as_ref().is_some_and(|ours| ours.url == store);
    let mut services: Vec<String> = if ours {
        settings.sets()?.iter().filter_map(|set| set.service.as_deref().map(key::service)).collect()
    } else {
        Vec::new()
    };
    services.sort();
    services.dedup();
    Ok(Sql { engine, terms: terms(settings, &store, Reach::default())?, store, services })
}

fn prune(loaded: &Loaded<Settings>, choice: &Choice, hosts: Vec<String>, store: Option<Address>, reach: Reach) -> Result<Prune> {
    let chosen = (!choice.is_of_all()).then(|| chosen(loaded, choice)).transpose()?;
    let settings = &loaded.value;
    let store = store.map_or_else(|| Ok(store_of(settings)?.url.clone()), Ok::<_, Failure>)?;
    let terms = terms(settings, &store, reach)?;
    let own = settings.store.as_ref().filter(|own| own.url == store);
    Ok(Prune {
        lock: own.and_then(|own| own.lock),
        sign_key: own.and_then(|own| sign_key(own, &terms)),
        terms,
        store,
        spool: settings.store.as_ref().map(|store| Spool::at(store.spool())),
        host: host(settings),
        hosts,
        sets: settings.sets()?.into_iter().map(|set| (set.name.clone(), set)).collect(),
        chosen: chosen.map(|sets| sets.into_iter().map(|set| set.name).collect()),
        parallel: settings.parallel(),
    })
}

fn store_of(settings: &Settings) -> Result<&StoreWords> {
    let none = || {
        let hint = "add [store] with url = \"s3://bucket/prefix\" or \"file:///srv/archive\"";
        Failure::new("find", "a store").because("the settings name none").hint(hint).exit(Exit::BadInput)
    };
    settings.store.as_ref().ok_or_else(none)
}

/// On what terms a store is used: those of the settings, where it is in their bucket, and what was typed over them.
fn terms(settings: &Settings, typed: &Address, reach: Reach) -> Result<Terms> {
    if matches!(typed, Address::Folder(_)) && !reach.is_silent() {
        let refused = Failure::new("reach", typed).because("a folder has no profile, region, role or endpoint");
        return Err(refused.hint("leave these flags out").exit(Exit::BadInput));
    }
    let ours = settings.store.as_ref().filter(|store| match (&store.url, typed) {
        (Address::Bucket { bucket, .. }, Address::Bucket { bucket: typed, .. }) => bucket == typed,
        _ => false,
    });
    Ok(reach.over(ours.map(StoreWords::terms).unwrap_or_default()))
}

/// A machine without logrotate has no configuration of it in its usual places, and nothing to be told about that. One that
/// cannot be looked at, or leads nowhere, is read all the same, and told of.
fn is_asked(logrotate: &Path) -> bool {
    let absent = |path: &Path| path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound);
    logrotate != Path::new(settings::LOGROTATE) || !absent(logrotate) || !absent(&logrotate.with_extension("d"))
}

fn host(settings: &Settings) -> String {
    settings.host.clone().unwrap_or_else(host::local)
}

fn chosen(loaded: &Loaded<Settings>, choice: &Choice) -> Result<Vec<LogSet>> {
    let sets = some(loaded)?;
    if let Some(unknown) = choice.sets.iter().find(|name| !sets.iter().any(|set| set.name == **name)) {
        let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        let known = format!("the settings have: {}", names.join(", "));
        let meant = suggest::nearest(unknown, names).map(|meant| format!("did you mean `{meant}`?"));
        let hint = meant.or_else(|| unknown.contains('/').then(|| "a store is named like file:///mnt/archive".to_owned()));
        let failure = Failure::new("find", format!("the set `{unknown}`")).because(known);
        return Err(failure.hint_if_any(hint).exit(Exit::BadInput));
    }
    Ok(sets.into_iter().filter(|set| choice.means(set)).collect())
}

/// Refuses settings without any set: a timer with them would fail at every turn.
pub(super) fn some(loaded: &Loaded<Settings>) -> Result<Vec<LogSet>> {
    let sets = loaded.value.sets()?;
    if sets.is_empty() && loaded.files.is_empty() {
        return Err(no_settings(&loaded.places));
    }
    if sets.is_empty() {
        return Err(Failure::new("find", "anything to do")
            .because("the settings name no logs")
            .hint("`ops-logs init` proposes settings from what is on this machine; uncomment the [[log]] you want")
            .exit(Exit::BadInput));
    }
    Ok(sets)
}

fn no_settings(places: &[PathBuf]) -> Failure {
    let shown: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    let listed = match &shown[..] {
        [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => shown.concat(),
    };
    Failure::new("find", "any settings")
        .because(format!("there is no {listed}"))
        .hint("`ops-logs init --out /etc/opsbelt/logs.toml` proposes some from what is on this machine")
        .exit(Exit::BadInput)
}
