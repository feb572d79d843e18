//! File systems to fill, to break and to cut the power of: images on loop devices, and overlays.
//!
//! Each lives in a folder of its own, may exist many times at once, and is unmounted and removed when
//! it goes out of scope, also when the test panics. It never mounts over anything that was there.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    files,
    process::{must, try_run},
};

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ext4,
    /// Has the number of ext4, and no extents.
    Ext3,
    Xfs,
    /// Over ext4, merged from a lower and an upper folder.
    Overlay,
    /// With quota groups, for kernels without disk quotas.
    Btrfs,
}

/// How to make it.
#[derive(Clone, Debug)]
pub struct Recipe {
    kind: Kind,
    size: u64,
    inodes: Option<u64>,
    reserved: u8,
    births: bool,
}

/// A mounted file system of its own.
#[derive(Debug)]
pub struct FileSystem {
    kind: Kind,
    home: TempDir,
}

const MIB: u64 = 1 << 20;

impl Kind {
    /// The name that the kernel knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ext4 => "ext4",
            Kind::Ext3 => "ext3",
            Kind::Xfs => "xfs",
            Kind::Overlay => "overlay",
            Kind::Btrfs => "btrfs",
        }
    }
}

impl Recipe {
    /// A small one: 64 MiB, or as small as its kind can be.
    pub fn new(kind: Kind) -> Recipe {
        let size = match kind {
            Kind::Ext4 | Kind::Ext3 | Kind::Overlay => 64 * MIB,
            Kind::Xfs => 320 * MIB,
            Kind::Btrfs => 256 * MIB,
        };
        Recipe { kind, size, inodes: None, reserved: 0, births: true }
    }

    /// With so many bytes; the image is sparse.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Recipe {
        self.size = self.size.max(bytes);
        self
    }

    /// Smaller than usual.
    #[must_use]
    pub fn exactly(mut self, bytes: u64) -> Recipe {
        self.size = bytes;
        self
    }

    /// With room for so few files (ext4).
    #[must_use]
    pub fn inodes(mut self, count: u64) -> Recipe {
        self.inodes = Some(count);
        self
    }

    /// With so many percent that only root can write to (ext4).
    #[must_use]
    pub fn reserved(mut self, percent: u8) -> Recipe {
        self.reserved = percent;
        self
    }

    /// With inodes too small for the time when a file was made (ext4).
    #[must_use]
    pub fn without_births(mut self) -> Recipe {
        self.births = false;
        self
    }

    /// Makes and mounts it.
    pub fn mount(&self) -> FileSystem {
        let home = tempfile::Builder::new().prefix("opsbelt-fs-").tempdir().expect("a temporary folder");
        // From here on a panic unmounts and removes what there is.
        let made = FileSystem { kind: self.kind, home };
        for folder in ["disk", "merged"] {
            fs::create_dir(made.at(folder)).expect("a fresh folder");
        }
        let image = File::create_new(made.at("image")).expect("a fresh file");
        image.set_len(self.size).expect("a sparse file");
        self.format(&made.at("image"));
        made.attach();
        made
    }

    fn format(&self, image: &Path) {
        let (inodes, reserved) = (self.inodes.map(|count| count.to_string()), self.reserved.to_string());
        let mut args: Vec<&OsStr> = Vec::new();
        let program = match self.kind {
            // No reserve, unless asked for: root could write on when the disk is "full". Everything initialised now, so that
            // no background thread writes during a test.
            Kind::Ext4 | Kind::Overlay => {
                let now = "lazy_itable_init=0,lazy_journal_init=0";
                args.extend(["-q", "-F", "-m", &reserved, "-E", now].map(OsStr::new));
                if !self.births {
                    args.extend(["-I", "128"].map(OsStr::new));
                }
                if let Some(count) = &inodes {
                    args.extend([OsStr::new("-N"), OsStr::new(count)]);
                }
                "mkfs.ext4"
            }
            Kind::Ext3 => {
                args.extend(["-q", "-F", "-m", "0"].map(OsStr::new));
                "mkfs.ext3"
            }
            Kind::Xfs => {
                args.extend(["-q", "-f"].map(OsStr::new));
                "mkfs.xfs"
            }
            Kind::Btrfs => {
                args.extend(["-q", "-f"].map(OsStr::new));
                "mkfs.btrfs"
            }
        };
        args.push(image.as_os_str());
        must(program, &args);
    }
}

impl FileSystem {
    /// Where to work in it.
    pub fn path(&self) -> PathBuf {
        self.at(if self.kind == Kind::Overlay { "merged" } else { "disk" })
    }

    /// The file system that holds the data: the overlay's upper one, else itself.
    pub fn disk(&self) -> PathBuf {
        self.at("disk")
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Unmounts and mounts again, so that only what reached the disk is left.
    pub fn remount(&self) {
        self.unmount();
        self.mount_again();
    }

    /// Takes it away for a while.
    pub fn unmount(&self) {
        // A child that another test just forked holds our descriptors until it becomes another program.
        super::wait_until("the file system to be free", Duration::from_secs(10), || self.detach().is_ok());
        // A run with mounts of its own keeps it until it ends; mounted again it would be what it was.
        super::wait_until("nobody to use the image", Duration::from_secs(30), || !self.in_use());
    }

    /// Brings it back, maybe under another device number.
    pub fn mount_again(&self) {
        self.attach();
    }

    /// Bytes that a file may still take.
    pub fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.path()).expect("mounted");
        stat.f_bavail * stat.f_frsize
    }

    /// Fills it up to `left` bytes with a file named `filler`, to be removed when space comes back.
    pub fn fill_up_to(&self, left: u64) -> PathBuf {
        use std::io::Write as _;
        let path = self.path().join("filler");
        let fill = |filler: &mut File| {
            for block in [1 << 20, 4096_usize] {
                while self.free() > left + block as u64
                    && filler.write_all(&vec![0x5a; block]).and_then(|()| filler.sync_data()).is_ok()
                {}
            }
            Ok(())
        };
        files::with(File::options().write(true).create(true).truncate(true), &path, fill).expect("room for one more file");
        path
    }

    /// A bit of this text turns on the disk, wherever it stands there; what is in memory of the file stays as it is.
    pub fn lose_a_bit_of(&self, text: &[u8]) {
        let image = fs::read(self.at("image")).expect("it is mounted from there");
        let found: Vec<usize> =
            image.windows(text.len()).enumerate().filter(|(_, window)| *window == text).map(|(at, _)| at).collect();
        assert!(!found.is_empty(), "the disk does not have that");
        let other = [text[0] ^ 1];
        let turn = |file: &mut File| found.iter().try_for_each(|at| file.write_all_at(&other, *at as u64));
        files::with(File::options().write(true), self.at("image"), turn).expect("our own image");
    }

    /// Limits it to so many bytes by quota (btrfs), or to none.
    pub fn limit(&self, bytes: Option<u64>) {
        let disk = self.path();
        rustix::fs::syncfs(File::open(&disk).expect("mounted")).expect("a healthy disk");
        must("btrfs", &[OsStr::new("quota"), OsStr::new("enable"), disk.as_ref()]);
        let limit = bytes.map_or_else(|| "none".to_owned(), |bytes| bytes.to_string());
        must(
            "btrfs",
            &["qgroup", "limit", &limit, "0/5"].map(OsStr::new).into_iter().chain([disk.as_os_str()]).collect::<Vec<_>>(),
        );
    }

    fn in_use(&self) -> bool {
        let image = self.at("image");
        let devices = fs::read_dir("/sys/block").into_iter().flatten().flatten();
        let mut backing = devices.filter_map(|device| fs::read_to_string(device.path().join("loop/backing_file")).ok());
        backing.any(|file| Path::new(file.trim_end()) == image)
    }

    fn attach(&self) {
        let (image, disk) = (self.at("image"), self.at("disk"));
        // A long commit interval: what was not synced must not reach the disk by luck.
        let options = if matches!(self.kind, Kind::Ext4 | Kind::Overlay) { "loop,commit=600" } else { "loop" };
        let args = [
            OsStr::new("-t"),
            OsStr::new(self.disk_type()),
            OsStr::new("-o"),
            OsStr::new(options),
            image.as_ref(),
            disk.as_ref(),
        ];
        // Another test may take the loop device that mount has just found free.
        let tried = (0..10).find_map(|_| try_run("mount", &args).ok());
        assert!(tried.is_some(), "cannot mount {}: {:?}", self.kind.name(), try_run("mount", &args));
        if self.kind == Kind::Overlay {
            self.attach_overlay();
        }
    }

    fn attach_overlay(&self) {
        let disk = self.at("disk");
        for folder in ["lower", "upper", "work"] {
            fs::create_dir_all(disk.join(folder)).expect("a fresh folder");
        }
        let part = |name: &str| disk.join(name).display().to_string();
        let options = format!("lowerdir={},upperdir={},workdir={}", part("lower"), part("upper"), part("work"));
        let merged = self.at("merged");
        must(
            "mount",
            &["-t", "overlay", "overlay", "-o", &options]
                .map(OsStr::new)
                .iter()
                .copied()
                .chain([merged.as_os_str()])
                .collect::<Vec<_>>(),
        );
    }

    fn disk_type(&self) -> &'static str {
        if self.kind == Kind::Overlay { "ext4" } else { self.kind.name() }
    }

    fn detach(&self) -> Result<(), String> {
        if self.kind == Kind::Overlay {
            // It may be gone already, when only the disk below was busy.
            let _ = try_run("umount", &[self.at("merged").as_ref()]);
        }
        try_run("umount", &[self.at("disk").as_ref()])?;
        Ok(())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

impl Drop for FileSystem {
    fn drop(&mut self) {
        if self.detach().is_err() {
            // A process of this very test may still be ending; the mount goes when it does.
            for folder in ["merged", "disk"] {
                let _ = try_run("umount", &[OsStr::new("-l"), self.at(folder).as_ref()]);
            }
        }
    }
}
