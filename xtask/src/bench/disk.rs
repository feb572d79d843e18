//! A file system of its own for what fills, or needs one kind: an image on a loop device, an overlay over one.
//!
//! It takes root, lives in a folder of the benchmark and is unmounted when it goes out of scope. It never mounts over
//! anything that was there.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, failed, place};

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ext4,
    Xfs,
    /// Merged from a lower and an upper folder, both on ext4.
    Overlay,
}

impl Kind {
    /// Smaller ones hold no journal, or are refused.
    fn smallest(self) -> u64 {
        if self == Kind::Xfs { 320 << 20 } else { 16 << 20 }
    }
}

/// A small disk in a file.
pub(crate) struct Disk {
    /// What is mounted, the last one on top: that is where to work.
    mounted: Vec<PathBuf>,
}

impl Disk {
    /// Makes and mounts one with so many bytes below `home`; the image is sparse.
    pub(crate) fn mount(home: &Path, kind: Kind, bytes: u64) -> Outcome<Disk> {
        let (image, place) = (home.join("disk.img"), home.join("disk"));
        fs::create_dir_all(&place).map_err(failed)?;
        File::create(&image).and_then(|file| file.set_len(bytes.max(kind.smallest()))).map_err(failed)?;
        let mut format = match kind {
            Kind::Ext4 | Kind::Overlay => Command::new("mkfs.ext4"),
            Kind::Xfs => Command::new("mkfs.xfs"),
        };
        match kind {
            Kind::Ext4 | Kind::Overlay => format.args(["-q", "-F", "-m", "0"]),
            Kind::Xfs => format.args(["-q", "-f"]),
        };
        place::said(format.arg(&image))?;
        place::said(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&place))?;
        // From here on whatever fails unmounts what there is.
        let mut disk = Disk { mounted: vec![place] };
        if kind == Kind::Overlay {
            disk.overlay(&home.join("merged"))?;
        }
        Ok(disk)
    }

    fn overlay(&mut self, merged: &Path) -> Outcome {
        let part = |name: &str| self.place().join(name);
        for folder in [part("lower"), part("upper"), part("work"), merged.to_owned()] {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let [lower, upper, work] = ["lower", "upper", "work"].map(|name| part(name).display().to_string());
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        place::said(Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(merged))?;
        self.mounted.push(merged.to_owned());
        Ok(())
    }

    /// Where to work in it.
    pub(crate) fn place(&self) -> &Path {
        self.mounted.last().expect("it is mounted as long as it lives")
    }

    /// Takes all but `room` bytes of what is free.
    pub(crate) fn fill(&self, filler: &Path, room: u64) -> Outcome {
        let free = place::said(Command::new("stat").args(["-f", "-c", "%a %S"]).arg(self.place()))?;
        let numbers: Vec<u64> = free.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [blocks, size] = numbers[..] else { return Err(failed(format!("stat said {free:?}"))) };
        let taken = (blocks * size).saturating_sub(room).to_string();
        place::said(Command::new("fallocate").args(["-l", &taken]).arg(filler)).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        while let Some(place) = self.mounted.pop() {
            let unmount = |how: &[&str]| place::said(Command::new("umount").args(how).arg(&place));
            // What was killed on it may still be ending; then it goes when that has.
            if let Err(stop) = unmount(&[]).or_else(|_| unmount(&["-l"])) {
                eprintln!("{} stays mounted: {stop:?}", place.display());
            }
        }
    }
}
