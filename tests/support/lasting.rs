//! Servers that last as long as their test program, and end with it; each has a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use super::process::Process;

const START: Duration = Duration::from_mins(2);

/// Starts one in a folder of its own, and tells what is known of it.
pub fn started<T: Send + 'static>(name: &'static str, start: fn(&Path) -> (T, Process)) -> T {
    let (tell, told) = mpsc::channel();
    // The kernel ends it when the thread that started it ends; this one ends with the program.
    std::thread::spawn(move || {
        let (server, _process) = start(&home(name));
        tell.send(server).expect("somebody waits for it");
        loop {
            std::thread::park();
        }
    });
    told.recv_timeout(START).expect("the server answers")
}

/// A folder of this program; those of programs that are gone go, because nobody is left to do it at a program's end.
fn home(name: &str) -> PathBuf {
    let name = format!("opsbelt-{name}-");
    let above = std::env::temp_dir();
    for found in
        fs::read_dir(&above).expect("a temporary folder").flatten().filter_map(|entry| entry.file_name().into_string().ok())
    {
        // Numbers are given out anew: who had this program's before is gone.
        let is_gone = |id: u32| id == std::process::id() || !Path::new("/proc").join(id.to_string()).exists();
        if found.strip_prefix(&name).and_then(|id| id.parse().ok()).is_some_and(is_gone) {
            // Another program may be doing it just now.
            let _ = fs::remove_dir_all(above.join(found));
        }
    }
    let home = above.join(format!("{name}{}", std::process::id()));
    fs::create_dir(&home).expect("nobody else has this number");
    home
}
