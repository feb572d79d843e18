//! The file that `init --out` names: in a folder that is there, under a name that nothing has. Never writes over
//! anything, and leaves nothing half written.

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Doing, Exit, Failure, Result, plain},
    files::dir::Dir,
};

/// A name that nothing had when we looked, in a folder that is there.
pub(super) struct Target {
    path: PathBuf,
    folder: Dir,
    name: String,
}

impl Target {
    pub(super) fn of(path: &Path) -> Result<Target> {
        let refuse = |why: &str| Failure::new("write", path.display()).because(why).exit(Exit::BadInput);
        let whole = std::path::absolute(path).map_err(|error| refuse(&plain(&error)))?;
        let name = whole.file_name().and_then(|name| name.to_str()).ok_or_else(|| refuse("it is no name of a file"))?;
        let above = whole.parent().unwrap_or(Path::new("/"));
        let folder = Dir::open(above).map_err(|failure| {
            if failure.is_absence() { failure.hint("make the folder first").exit(Exit::BadInput) } else { failure }
        })?;
        if folder.stat(name)?.is_some() {
            return Err(refuse("it is there already").hint("compare it with what `ops-logs init` prints, or name another file"));
        }
        Ok(Target { name: name.to_owned(), folder, path: whole })
    }

    /// Whole or not at all, and also now only where nothing is.
    pub(super) fn write(self, text: &str) -> Result<()> {
        let Target { path, folder, name } = self;
        let draft = format!(".{name}.{}.part", std::process::id());
        let written = folder.create(&draft).and_then(|mut file| {
            // No secret is in settings, and `plan` is for everybody.
            let readable = std::fs::Permissions::from_mode(0o644);
            let write =
                file.write_all(text.as_bytes()).and_then(|()| file.set_permissions(readable)).and_then(|()| file.sync_all());
            write.doing("write", path.display())?;
            folder.rename(&draft, &name)
        });
        if written.is_err() {
            folder.remove(&draft)?;
        }
        written.and_then(|()| folder.sync())
    }
}
