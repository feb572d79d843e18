//! Gives up root's rights for those of a folder's owner, for good, and looks whether that is what came of it.
//!
//! Rights belong to threads: only a process with a single one may call this, before it has read anything that
//! somebody else could have written.

use rustix::{
    process::{DumpableBehavior, Gid, Uid, set_dumpable_behavior},
    thread::{self, CapabilitySet, CapabilitySets},
};

use crate::{
    failure::{Doing, Failure, Result},
    files::standing::Owner,
};

/// Becomes `owner`. After a failure nothing may be done any more.
pub(super) fn become_owner(owner: Owner) -> Result<()> {
    let shown = format!("user {} and group {}", owner.uid, owner.gid);
    let refuse = |why: &str| Err(Failure::new("become", &shown).because(why));
    if owner.uid == 0 {
        return refuse("root is nobody's lesser self");
    }
    if owner.gid == 0 || owner.also == Some(0) {
        return refuse("root's group is nobody else's");
    }
    if std::fs::read_dir("/proc/self/task").doing("count the threads of", "this process")?.count() != 1 {
        return refuse("there are several threads, and each has rights of its own");
    }
    let also: Vec<Gid> = owner.also.map(Gid::from_raw).into_iter().collect();
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    thread::set_no_new_privs(true)
        .and_then(|()| thread::set_thread_groups(&also))
        .and_then(|()| thread::set_thread_res_gid(gid, gid, gid))
        .and_then(|()| thread::set_thread_res_uid(uid, uid, uid))
        .and_then(|()| drop_capabilities())
        // The owner has many programs, and none of them may look into this one.
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .doing("become", &shown)?;
    let status = std::fs::read_to_string("/proc/self/status").doing("look at", "the rights of this process")?;
    if is(&status, owner) { Ok(()) } else { refuse("the kernel left it with other rights") }
}

/// They went with root's user id; a call that is not needed may be forbidden.
fn drop_capabilities() -> rustix::io::Result<()> {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    if thread::capabilities(None)? == none { Ok(()) } else { thread::set_capabilities(None, none) }
}

/// Whether `/proc/self/status` shows this owner's rights and no more.
fn is(status: &str, owner: Owner) -> bool {
    let field = |name: &str| -> Option<Vec<&str>> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().collect())
    };
    let ids = |name: &str, wanted: &[u32]| {
        field(name).is_some_and(|found| found == wanted.iter().map(u32::to_string).collect::<Vec<_>>())
    };
    let without = |set: &str| field(set).is_some_and(|bits| bits.concat().bytes().all(|digit| digit == b'0'));
    ids("Uid", &[owner.uid; 4])
        && ids("Gid", &[owner.gid; 4])
        && ids("Groups", owner.also.as_slice())
        && ["CapInh", "CapPrm", "CapEff", "CapAmb"].into_iter().all(without)
        && ids("NoNewPrivs", &[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tops-logs\nUid:\t105\t105\t105\t105\nGid:\t110\t110\t110\t110\nFDSize:\t64\nGroups:\t4 \n\
        CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n";
    const OWNER: Owner = Owner { uid: 105, gid: 110, also: Some(4) };

    #[test]
    fn only_exactly_the_owners_rights_will_do() {
        assert!(is(STATUS, OWNER));
        assert!(is(&STATUS.replace("4 \n", "\n"), Owner { also: None, ..OWNER }));
        for (from, to) in [
            ("Uid:\t105\t105\t105\t105", "Uid:\t105\t105\t0\t105"),
            ("Gid:\t110\t110\t110\t110", "Gid:\t110\t0\t110\t110"),
            ("Groups:\t4", "Groups:\t0 4"),
            ("Groups:\t4", "Groups:\t"),
            ("CapPrm:\t0000000000000000", "CapPrm:\t0000000000000001"),
            ("CapAmb:\t0000000000000000\n", ""),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
        ] {
            assert!(!is(&STATUS.replace(from, to), OWNER), "{to}");
        }
        assert!(!is("", OWNER));
    }
}
