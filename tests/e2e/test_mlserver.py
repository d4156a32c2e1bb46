"""The Open Inference Protocol as MLServer speaks it, with two versions of a scikit-learn model."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from open_inference.grpc import protocol as oip
from open_inference.grpc import service as oip_service

from tests.e2e.policy import scoring
from tests.e2e.world import World, credential, told
from tests.fakes.mlserver import POINTS, MLServer, environment, interpreter, mlserver

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
RESEARCH = credential("research-bot")


@pytest.fixture
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MLServer]:
    """MLServer, in an environment that is made once."""
    found = interpreter()
    if found is None:
        pytest.skip("MLServer 1.7.1 needs a Python of 3.10 to 3.12 on PATH")
    assert request.config.cache is not None
    python, name = found
    programs = environment(python, Path(request.config.cache.mkdir(f"mlserver-{name}")))
    async with mlserver(programs, tmp_path) as running:
        yield running


def ask(place: int, *, subject: str = "", version: str = "") -> Any:
    """A request that scores one of the points."""
    request = oip.ModelInferRequest(model_name="lead-score", model_version=version)
    contents = oip.InferTensorContents(fp64_contents=POINTS[place])
    tensor = oip.ModelInferRequest.InferInputTensor(name="x", datatype="FP64", shape=[1, 2], contents=contents)
    request.inputs.append(tensor)
    if subject:
        request.parameters["subject"].string_param = subject
    return request


async def test_each_version_answers_as_scikit_learn_does_and_by_its_share(empty_world: World, server: MLServer) -> None:
    await empty_world.gateway()
    address = server.address
    await empty_world.publish(scoring(address, address, crm=address, weights=(5_000, 5_000)))
    make: Any = oip_service.GRPCInferenceServiceStub
    stub = make(empty_world.channel())
    seen: dict[str, str] = {}
    for n in range(60):
        place, subject = n % len(POINTS), f"contacts/c-{n % 30}"
        ended = await told(stub.ModelInfer(ask(place, subject=subject), metadata=RESEARCH))
        assert ended.code is grpc.StatusCode.OK
        version = ended.response.model_version
        assert ended.trailers["pilote-version"] == version
        assert ended.response.outputs[0].contents.fp64_contents[0] == pytest.approx(server.says[version][place])
        assert seen.setdefault(subject, version) == version
    assert set(seen.values()) == {"1", "2"}
    for version in ("1", "2"):
        ended = await told(stub.ModelInfer(ask(0, subject="contacts/c-1", version=version), metadata=RESEARCH))
        assert ended.response.model_version == version
    kept = await empty_world.settled(62)
    assert all(each.settlement is not None and each.settlement.served == each.record.version for each in kept)


async def test_a_version_that_no_arm_serves_never_reaches_it_and_an_empty_one_would_get_the_newest(
    empty_world: World, server: MLServer
) -> None:
    await empty_world.gateway()
    address = server.address
    await empty_world.publish(scoring(address, address, crm=address, weights=(10_000, 0)))
    make: Any = oip_service.GRPCInferenceServiceStub
    stub = make(empty_world.channel())
    for version in ("2", "9"):
        ended = await told(stub.ModelInfer(ask(0, version=version), metadata=RESEARCH))
        assert ended.reason == "ROUTE_NOT_FOUND"
    ended = await told(stub.ModelInfer(ask(0), metadata=RESEARCH))
    assert ended.response.model_version == "1"
    async with grpc.aio.insecure_channel(address) as channel:  # what the gateway keeps away
        assert (await make(channel).ModelInfer(ask(0))).model_version == "2"
