"""A real MLServer with two versions of a scikit-learn model: no fake, but as foreign to the gateway as one.

It lives in an environment of its own, since it pins what ours has in other versions. The environment is made once, from
the package index, and kept in pytest's cache folder.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from open_inference.grpc import protocol as oip
from open_inference.grpc import service as oip_service

from tests.services.ports import free

WANTED: Final = ("mlserver==1.7.1", "mlserver-sklearn==1.7.1")
START_SECONDS: Final = 60.0
POINTS: Final = ((0.1, 0.9), (0.4, 0.2), (0.8, 0.7), (0.95, 0.05))
"""What the versions are asked about."""

_TRAIN: Final = """
import json, sys
import joblib, numpy
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor
folder, points = sys.argv[1], json.loads(sys.argv[2])
draw = numpy.random.default_rng(7)
x = draw.random((200, 2))
y = 3 * x[:, 0] - x[:, 1] + draw.normal(0, 0.1, 200)
says = {}
for version, model in (("1", LinearRegression()), ("2", DecisionTreeRegressor(max_depth=3, random_state=7))):
    model.fit(x, y)
    joblib.dump(model, f"{folder}/{version}/model.joblib")
    says[version] = model.predict(numpy.array(points)).tolist()
print(json.dumps(says))
"""


@dataclass(slots=True)
class MLServer:
    """One that runs. `says` is what each version says of each of the `POINTS`, as scikit-learn itself says it."""

    address: str
    says: dict[str, list[float]]


def interpreter() -> tuple[str, str] | None:
    """A Python that MLServer 1.7.1 runs on, 3.10 to 3.12, and which one it is; `None` where there is none."""
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if sys.version_info < (3, 13):
        return sys.executable, here
    for name in ("python3.12", "python3.11", "python3.10"):
        path = shutil.which(name)
        if path is not None and subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0:
            return path, name
    return None


def environment(python: str, folder: Path) -> Path:
    """The environment's folder of programs; made where it is not there yet."""
    home = folder / "venv"
    ready = home / "ready"
    if not ready.exists():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", *WANTED], check=True)
        ready.touch()
    return home / "bin"


@contextlib.asynccontextmanager
async def mlserver(programs: Path, home: Path) -> AsyncIterator[MLServer]:
    """A server that runs until the block ends, its versions trained on made data."""
    models = home / "models"
    for version in ("1", "2"):
        (models / version).mkdir(parents=True)
        settings = {
            "name": "lead-score",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib", "version": version},
        }
        (models / version / "model-settings.json").write_text(json.dumps(settings))
    trained = subprocess.run(  # noqa: ASYNC221 - nothing else runs yet
        [str(programs / "python"), "-c", _TRAIN, str(models), json.dumps(POINTS)],
        check=True,
        capture_output=True,
        text=True,
    )
    http, port, metrics = free(3)
    ports = {"http_port": http, "grpc_port": port, "metrics_port": metrics}
    (models / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "parallel_workers": 0, **ports}))
    log = home / "mlserver.log"
    with _running([str(programs / "mlserver"), "start", str(models)], log):
        address = f"127.0.0.1:{port}"
        await _ready(address, log)
        yield MLServer(address, json.loads(trained.stdout))


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            yield
        finally:
            process.kill()  # nothing of it is kept


async def _ready(address: str, log: Path) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        make: Any = oip_service.GRPCInferenceServiceStub
        try:
            for version in ("1", "2"):
                asked = oip.ModelReadyRequest(name="lead-score", version=version)
                await make(channel).ModelReady(asked, wait_for_ready=True, timeout=START_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise RuntimeError(log.read_text()[-2_000:]) from error  # noqa: ASYNC240 - the test is over
