//! Heads of logs on the file system of the tests, where it can take them away (ext4, xfs); what cannot be made there is
//! told apart by hand.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::FileExt,
};

use tempfile::TempDir;

use super::*;

/// A log with so many lines, all alike, in a folder that can do it; none elsewhere.
fn log(lines: usize) -> Option<(TempDir, File, Place)> {
    let home = tempfile::tempdir().unwrap();
    let file = OpenOptions::new().read(true).append(true).create(true).open(home.path().join("app.log")).unwrap();
    let place = Place::of(File::open(home.path()).unwrap(), false, "app.log");
    let Ok(place) = place else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "skipped: {place:?}");
        return None;
    };
    append(&file, lines);
    Some((home, file, place))
}

fn append(mut file: &File, lines: usize) {
    file.write_all("one line like the other\n".repeat(lines).as_bytes()).unwrap();
}

/// The same file, as a log is opened for this.
fn open(home: &TempDir) -> File {
    OpenOptions::new().read(true).write(true).open(home.path().join("app.log")).unwrap()
}

#[test]
fn what_goes_is_whole_blocks_of_whole_lines_and_the_rest_is_known() {
    let Some((home, mut file, place)) = log(10_000) else { return };
    file.write_all(b"a line that is not whole").unwrap();
    let cut = prepare(&open(&home), None, place, None).unwrap().unwrap();
    assert_eq!((cut.to, cut.remove % place.unit), (240_000, 0));
    assert_eq!(found(&file, &cut), Ok(Found::There));
    append(&file, 7);
    let head = take_away(&open(&home), &cut).unwrap().unwrap();
    assert_eq!((head.archived, file.metadata().unwrap().len()), (cut.to - cut.remove, 240_024 + 7 * 24 - cut.remove));
    assert_eq!(found(&file, &cut), Ok(Found::Gone));
    assert_eq!(head.holds(&file), Ok(Ok(())));
    let again = take_away(&open(&home), &cut).unwrap().unwrap();
    assert_eq!(again.archived, head.archived, "never twice");
    assert_eq!(archived(&file, Some(&head), place), Ok((head.archived, None)));
}

#[test]
fn a_log_that_somebody_emptied_and_filled_again_alike_is_not_what_it_was() {
    let Some((home, file, place)) = log(10_000) else { return };
    let cut = prepare(&open(&home), None, place, None).unwrap().unwrap();
    file.set_len(0).unwrap();
    append(&file, 20_000);
    file.sync_all().unwrap();
    assert!(matches!(found(&file, &cut), Ok(Found::Unknown(_))), "before it went");
    assert!(take_away(&open(&home), &cut).unwrap().is_err());
    assert_eq!(file.metadata().unwrap().len(), 480_000);

    let cut = prepare(&open(&home), None, place, None).unwrap().unwrap();
    let head = take_away(&open(&home), &cut).unwrap().unwrap();
    file.set_len(0).unwrap();
    append(&file, 20_000);
    file.sync_all().unwrap();
    assert!(matches!(found(&file, &cut), Ok(Found::Unknown(_))), "after it went");
    assert_eq!(head.holds(&file), Ok(Err("it was emptied and written anew")));
    assert_eq!(archived(&file, Some(&head), place).unwrap().0, 0);
}

#[test]
fn a_cut_that_cannot_be_true_is_never_reckoned_with() {
    let Some((home, file, place)) = log(10_000) else { return };
    let cut = prepare(&open(&home), None, place, None).unwrap().unwrap();
    for lie in [Cut { length: 0, ..cut.clone() }, Cut { anchor: Some(0), ..cut.clone() }, Cut { length: u64::MAX, ..cut.clone() }]
    {
        assert!(matches!(found(&file, &lie), Ok(Found::Unknown(_))), "{lie:?}");
        assert_eq!(begun(&file, &lie), Ok(None));
        assert!(take_away(&open(&home), &lie).unwrap().is_err());
    }
    assert_eq!(found(&file, &cut), Ok(Found::There));
}

#[test]
fn on_tmpfs_which_shows_no_layout_the_text_tells_a_log_that_was_written_anew() {
    let Ok(home) = tempfile::tempdir_in("/dev/shm") else { return };
    let file = OpenOptions::new().read(true).append(true).create(true).open(home.path().join("app.log")).unwrap();
    append(&file, 10_000);
    let place = Place::of(File::open(home.path()).unwrap(), true, "app.log").unwrap();
    let cut = prepare(&open(&home), None, place, None).unwrap().unwrap();
    if cut.layout.is_some() {
        return;
    }
    append(&file, 7);
    assert_eq!(found(&file, &cut), Ok(Found::There));
    file.set_len(0).unwrap();
    (&file).write_all(&b"another line, just as long\n".repeat(20_000)).unwrap();
    assert!(take_away(&open(&home), &cut).unwrap().is_err(), "none of these lines is archived");
    assert_eq!(layout::data(&file, 0), Ok(Some(0)));
    file.set_len(0).unwrap();
    append(&file, 20_000);
    let cut = prepare(&open(&home), None, place, None).unwrap().unwrap();
    take_away(&open(&home), &cut).unwrap().unwrap();
    assert_eq!(found(&file, &cut), Ok(Found::Gone));
}

#[test]
fn what_xfs_leaves_after_a_power_cut_is_brought_to_its_end() {
    let Some((home, mut file, place)) = log(20_000) else { return };
    let cut = prepare(&open(&home), None, place, Some(100_000)).unwrap().unwrap();
    let mut whole = Vec::new();
    open(&home).read_to_end(&mut whole).unwrap();
    // The head is a hole, and nothing was moved up yet.
    remove(&open(&home), Way::Hole, 0, cut.remove).unwrap();
    file.write_all(b"last\n").unwrap();
    file.sync_all().unwrap();
    assert_eq!(found(&file, &cut), Ok(Found::Halfway(0)));
    let head = take_away(&open(&home), &cut).unwrap().unwrap();
    assert_eq!(head.archived, cut.to - cut.remove);
    let mut left = Vec::new();
    open(&home).read_to_end(&mut left).unwrap();
    whole.extend_from_slice(b"last\n");
    assert!(left == whole[usize::try_from(cut.remove).unwrap()..], "what is left is what followed");
}

#[test]
fn a_log_without_a_whole_line_or_a_whole_block_is_left_alone() {
    let Some((home, file, place)) = log(3) else { return };
    assert_eq!(reach(&file, 0, place, None), Ok(None), "less than a block");
    file.write_all_at(&vec![b'x'; 100_000], 0).unwrap();
    file.set_len(0).unwrap();
    file.write_all_at(&vec![b'x'; 100_000], 0).unwrap();
    assert_eq!(reach(&open(&home), 0, place, None), Ok(None), "no line ends in it");
    append(&file, 1);
    let all = file.metadata().unwrap().len();
    assert_eq!(reach(&open(&home), 0, place, Some(50_000)).unwrap().map(|(to, _)| to), Some(all), "the first end of a line");
}

#[test]
fn pieces_end_where_lines_end() {
    let Some((_home, file, place)) = log(10_000) else { return };
    let (to, remove) = reach(&file, 24, place, Some(100_000)).unwrap().unwrap();
    assert_eq!((to % 24, to <= 100_024, remove), (0, true, place.whole(to)));
}

/// After about 1 TiB of heads on ext4, where each one that goes moves the anchor by as much.
#[test]
fn an_anchor_that_came_too_near_is_let_go_and_the_next_one_is_far_away_again() {
    let Some((home, file, place)) = log(10_000) else { return };
    let near = ANCHORS + place.unit;
    fallocate(&file, FallocateFlags::KEEP_SIZE, near, place.unit).unwrap();
    let cut = prepare(&open(&home), None, place, None).unwrap().unwrap();
    assert_eq!(cut.anchor, Some(near));
    assert!(cut.is_sound() && cut.remove > place.unit, "it gets nearer than any anchor is looked for");
    assert_eq!(found(&file, &cut), Ok(Found::There));
    let head = take_away(&open(&home), &cut).unwrap().unwrap();
    // Without one the layout tells, and what is left is known.
    assert_eq!((head.anchor, head.is_sound(), head.holds(&file)), (None, true, Ok(Ok(()))));
    assert_eq!(archived(&file, Some(&head), place), Ok((head.archived, None)));
    // Cut short before that was written down, the layout tells as well: nothing more is taken away.
    let length = file.metadata().unwrap().len();
    assert_eq!(take_away(&open(&home), &cut).unwrap(), Ok(head.clone()));
    assert_eq!(file.metadata().unwrap().len(), length);

    append(&file, 20_000);
    let next = prepare(&open(&home), Some(&head), place, None).unwrap().unwrap();
    assert!(next.anchor.is_some_and(|anchor| anchor >= 3 << 40), "{next:?}");
    let head = take_away(&open(&home), &next).unwrap().unwrap();
    assert_eq!(head.anchor, next.anchor.map(|anchor| anchor - next.remove));
    assert_eq!((head.holds(&file), found(&file, &next)), (Ok(Ok(())), Ok(Found::Gone)));
}
