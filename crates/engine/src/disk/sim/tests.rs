use super::*;

fn read(file: &SimFile) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    let length = file.read_at(&mut bytes, 0).unwrap();
    bytes.truncate(length);
    bytes
}

/// A file on a disk where `synced` is durable.
fn disk() -> (SimDisk, SimFile) {
    let disk = SimDisk::default();
    let file = disk.create("a").unwrap();
    file.write_at(b"synced", 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir().unwrap();
    (disk, file)
}

#[test]
fn what_is_synced_survives_and_the_rest_is_lost() {
    let (disk, file) = disk();
    file.write_at(b"S and more", 0).unwrap();
    disk.crash(CrashPlan::Lose);
    assert!(file.read_at(&mut [0], 0).is_err(), "the handle is from before");
    assert_eq!(read(&disk.open("a").unwrap()), b"synced");
}

#[test]
fn a_failed_sync_loses_its_data_though_a_later_one_succeeds() {
    let (disk, file) = disk();
    disk.plan(FaultPlan { error_at: Some(2), ..FaultPlan::default() });
    file.write_at(b"S", 0).unwrap();
    assert!(file.sync_data().is_err());
    assert_eq!(read(&file), b"Synced", "the page cache has it");
    file.sync_data().unwrap();
    disk.crash(CrashPlan::Keep);
    assert_eq!(read(&disk.open("a").unwrap()), b"synced");
}

#[test]
fn files_come_and_go_for_good_only_with_the_directory_synced() {
    let (disk, _) = disk();
    disk.create("b").unwrap();
    disk.remove("a").unwrap();
    disk.crash(CrashPlan::Lose);
    assert_eq!(disk.list().unwrap(), ["a"]);
    disk.create("b").unwrap();
    disk.remove("a").unwrap();
    disk.sync_dir().unwrap();
    disk.crash(CrashPlan::Lose);
    assert_eq!(disk.list().unwrap(), ["b"]);
}

#[test]
fn a_full_disk_takes_no_more_until_it_has_space_again() {
    let (disk, file) = disk();
    disk.plan(FaultPlan { capacity: Some(8), ..FaultPlan::default() });
    file.allocate(8).unwrap();
    let error = file.write_at(b"x", 8).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    file.write_at(b"12345678", 0).unwrap();
    disk.plan(FaultPlan::default());
    file.write_at(b"x", 8).unwrap();
    assert_eq!(disk.used(), 9);
}

#[test]
fn after_a_power_cut_nothing_works_until_the_restart() {
    let (disk, file) = disk();
    disk.plan(FaultPlan { power_cut_at: Some(1), ..FaultPlan::default() });
    assert!(file.write_at(b"S", 0).is_err());
    assert!(disk.is_off() && disk.list().is_err() && file.len().is_err());
    disk.crash(CrashPlan::Keep);
    assert_eq!(read(&disk.open("a").unwrap()), b"synced", "it went before the write");
}

#[test]
fn torn_writes_keep_sectors_and_the_same_seed_keeps_the_same() {
    let crash = |seed| {
        let disk = SimDisk::default();
        let file = disk.create("a").unwrap();
        file.allocate(8 * SECTOR as u64).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir().unwrap();
        file.write_at(&[1; 8 * SECTOR], 0).unwrap();
        disk.crash(CrashPlan::Random(seed));
        let mut bytes = [0; 8 * SECTOR];
        disk.open("a").unwrap().read_at(&mut bytes, 0).unwrap();
        let whole = |sector: &[u8]| sector.iter().all(|byte| *byte == sector[0]);
        assert!(bytes.chunks(SECTOR).all(whole));
        bytes.chunks(SECTOR).map(|sector| sector[0]).sum::<u8>()
    };
    let kept: BTreeSet<u8> = (0..200).map(crash).collect();
    assert!(3 < kept.len(), "{kept:?}");
    assert_eq!(crash(7), crash(7));
}
