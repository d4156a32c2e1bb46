"""The keys that README has people make are those that processes take, and all that the Secret is expected to have."""

import re
import subprocess
from pathlib import Path

from gateway.adapters.sealing import sealing_keys
from gateway.key_files import pseudonym_key
from services.audit.proofs.log_key import log_signer
from tests.chapters import chapter
from tests.k8s.workloads import everywhere


def test_the_commands_make_keys_that_every_process_takes(tmp_path: Path) -> None:
    (commands,) = re.findall(r"```sh\n(umask 077 && mkdir keys\n.*?)kubectl", chapter("k8s"), re.DOTALL)
    subprocess.run(["/bin/sh", "-ec", commands], cwd=tmp_path, check=True, capture_output=True)
    made = {file.name: file for file in (tmp_path / "keys").iterdir()}
    wanted = {
        item["key"]
        for workload in everywhere()
        for volume in workload.pod.get("volumes", ())
        if volume["name"] == "keys"
        for item in volume["secret"]["items"]
    }
    assert set(made) == wanted
    for name, file in made.items():
        assert file.stat().st_mode & 0o077 == 0
        if name == "log.pem":
            assert log_signer(file, origin="").key.text
        elif name == "pseudonym.key":
            assert len(pseudonym_key(file)) >= 32
        else:
            assert [len(key) for key in sealing_keys(file)] == [32]
    assert len({file.read_bytes() for file in made.values()}) == len(made)
