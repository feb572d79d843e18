//! Which folders are mounts that a survey of logs must stay out of. Reads the kernel's table and never
//! touches the mounts themselves: a dead file server would hold us for good.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::File,
    io::Read,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

/// Why a mount is not entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// The kernel's own, or another view of what is seen elsewhere.
    Pseudo,
    /// On another machine: this type of file system.
    Network(String),
}

/// The mounts by their folder.
#[derive(Debug, Default)]
pub(super) struct Mounts(HashMap<PathBuf, String>);

impl Mounts {
    /// Reads `self/mountinfo`; without it every folder counts as local.
    pub(super) fn read(proc: &Path) -> Mounts {
        const LARGEST: u64 = 4 << 20;
        let mut text = Vec::new();
        let file = File::open(proc.join("self/mountinfo"));
        let _ = file.and_then(|file| file.take(LARGEST).read_to_end(&mut text));
        Mounts(text.split(|byte| *byte == b'\n').filter_map(mount).collect())
    }

    /// Why not to enter `folder`, a mount below a surveyed root.
    pub(super) fn shut(&self, folder: &Path) -> Option<Shut> {
        let kind = self.0.get(folder)?;
        // The root of a container is an overlay; those further down are other containers' views.
        shut(kind).filter(|_| folder != Path::new("/"))
    }

    /// Why not to survey `root` at all: the mount that holds it.
    pub(super) fn holder(&self, root: &Path) -> Option<Shut> {
        let kind = root.ancestors().find_map(|folder| self.0.get(folder))?;
        shut(kind).filter(|why| *why != Shut::Pseudo)
    }
}

fn shut(kind: &str) -> Option<Shut> {
    const PSEUDO: &str = "proc sysfs cgroup cgroup2 devtmpfs devpts mqueue debugfs tracefs securityfs pstore bpf configfs \
        fusectl hugetlbfs autofs binfmt_misc nsfs overlay squashfs rpc_pipefs selinuxfs efivarfs";
    const NETWORK: &str = "nfs nfs4 cifs smb3 smbfs ceph lustre glusterfs afs 9p beegfs gpfs ocfs2 gfs2";
    if PSEUDO.split(' ').any(|pseudo| pseudo == kind) {
        return Some(Shut::Pseudo);
    }
    let network = NETWORK.split(' ').any(|network| network == kind) || kind == "fuse" || kind.starts_with("fuse.");
    network.then(|| Shut::Network(kind.to_owned()))
}

/// `36 35 98:0 /inside /folder options - type source options`
fn mount(line: &[u8]) -> Option<(PathBuf, String)> {
    let mut fields = line.split(|byte| *byte == b' ');
    let folder = PathBuf::from(OsString::from_vec(unescaped(fields.nth(4)?)));
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    Some((folder, String::from_utf8_lossy(kind).into_owned()))
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(field.len());
    let mut at = 0;
    while at < field.len() {
        let octal = field.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if field[at] == b'\\' => {
                text.push(byte);
                at += 4;
            }
            _ => {
                text.push(field[at]);
                at += 1;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn pseudo_and_network_mounts_are_shut() {
        let proc = tempfile::tempdir().unwrap();
        fs::create_dir(proc.path().join("self")).unwrap();
        let table = "22 1 8:1 / / rw - overlay overlay rw\n\
            23 22 0:5 / /srv/pro\\040c rw,nosuid shared:3 - proc proc rw\n\
            24 22 0:6 / /home rw - nfs4 server:/home rw\n\
            25 22 0:7 / /opt/m rw - fuse.sshfs x rw\n\
            26 22 0:8 / /var/log rw - ext4 /dev/sdb rw\n";
        fs::write(proc.path().join("self/mountinfo"), table).unwrap();
        let mounts = Mounts::read(proc.path());
        assert_eq!(mounts.shut(Path::new("/srv/pro c")), Some(Shut::Pseudo));
        assert_eq!(mounts.shut(Path::new("/home")), Some(Shut::Network("nfs4".to_owned())));
        assert_eq!(mounts.holder(Path::new("/home/user/app")), Some(Shut::Network("nfs4".to_owned())));
        assert_eq!(mounts.shut(Path::new("/opt/m")), Some(Shut::Network("fuse.sshfs".to_owned())));
        for open in ["/var/log", "/", "/home/user"] {
            assert_eq!(mounts.shut(Path::new(open)), None, "{open}");
        }
        assert_eq!(mounts.holder(Path::new("/var/log/x")), None);
    }

    #[test]
    fn without_a_table_all_is_local() {
        assert_eq!(Mounts::read(Path::new("/nonexistent")).shut(Path::new("/home")), None);
    }
}
