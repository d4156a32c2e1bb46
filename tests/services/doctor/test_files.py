"""Files of secrets and disks: what is open, damaged, missing or full."""

import os
from pathlib import Path

import pytest

from gateway.adapters.sealing import sealing_keys
from gateway.key_files import pseudonym_key
from gateway.settings import Settings
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.doctor.disks import look_at_disks
from services.doctor.key_files import files, look_at_keys
from services.doctor.observing import Grade


def made(home: Path) -> Settings:
    """A home with all its keys, as processes make them."""
    home.chmod(0o700)
    settings = Settings(home=home)
    pseudonym_key(home / "secrets" / "pseudonym.key")
    log_signer(home / KEY_FILE)
    for setting, (file, _) in files(settings).items():
        if setting not in ("PILOTE_PSEUDONYM_KEY_FILE", "PILOTE_AUDIT_KEY_FILE"):
            sealing_keys(file)
    return settings


def test_keys_as_processes_make_them_are_well(tmp_path: Path) -> None:
    found = look_at_keys(made(tmp_path))
    assert {each.grade for each in found} == {Grade.GOOD}
    assert sum(each.what == "key-kept" for each in found) == 7


def test_a_new_home_lacks_nothing_and_gets_nothing(tmp_path: Path) -> None:
    found = look_at_keys(Settings(home=tmp_path / "new"))
    assert {each.what for each in found} == {"key-not-made"}
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("setting", sorted(files(Settings())))
def test_each_key_that_is_open_cut_or_gone_is_bad(tmp_path: Path, setting: str) -> None:
    settings = made(tmp_path)
    file, _ = files(settings)[setting]
    file.chmod(0o644)
    assert [each.what for each in look_at_keys(settings) if each.grade is Grade.BAD] == ["key-open"]
    file.chmod(0o600)
    whole = file.read_bytes()
    file.write_bytes(whole[:20])
    found = look_at_keys(settings)
    assert [each.what for each in found if each.grade is Grade.BAD] == ["key-damaged"]
    assert whole[:20].hex() not in str(found)
    field = setting.removeprefix("PILOTE_").lower()
    gone = Settings(home=tmp_path, **{field: tmp_path / "elsewhere"})  # type: ignore[arg-type]
    assert [each.what for each in look_at_keys(gone) if each.grade is Grade.BAD] == ["key-missing"]


def test_a_home_that_others_look_into_is_a_warning(tmp_path: Path) -> None:
    settings = made(tmp_path)
    tmp_path.chmod(0o755)
    assert [each.what for each in look_at_keys(settings) if each.grade is not Grade.GOOD] == ["home-open"]


def test_a_disk_is_told_once_and_its_room_is_the_systems(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (found,) = look_at_disks(tmp_path)
    disk = os.statvfs(tmp_path)
    share = disk.f_bavail / disk.f_blocks
    assert abs(float(found.values["percent"]) - share * 100) < 2
    assert (found.grade is Grade.GOOD) == (share >= 0.15)
    assert look_at_disks(tmp_path / "none")[0].what == "home-missing"


def test_a_disk_that_is_read_only_is_bad() -> None:
    (found,) = look_at_disks(Path("/proc/self"))  # nobody makes files there, not even root
    assert found.grade is Grade.BAD
