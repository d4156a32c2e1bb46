"""One model process: one version of the lead score over the Open Inference Protocol."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc
from open_inference.grpc import protocol as oip
from open_inference.grpc import service as oip_service

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.serving import serving, until_told_to_stop
from services.models.scoring import NAME, Model, feature_types, load
from services.models.tensors import OUTPUTS, batch_from

_log = logging.getLogger(__name__)

SERVICE: Final = "inference.GRPCInferenceService"
DEFAULT_LISTEN: Final = {"1": "127.0.0.1:50071", "2": "127.0.0.1:50072"}
_add_to_server: Final[Callable[[Any, grpc.aio.Server], None]] = oip_service.add_GRPCInferenceServiceServicer_to_server
_PLATFORM: Final = "pilote_logistic_regression"


async def serve(*, listen: str, version: str, drain_seconds: float) -> None:
    """Serve one version of the lead score until SIGTERM or SIGINT, then drain.

    Raises:
        OSError: when the address is taken.
        ValueError: when there is no such version.
    """
    async with (
        until_told_to_stop() as stop,
        running(listen=listen, version=version, drain_seconds=drain_seconds) as port,
    ):
        _log.info("the model serves", extra={"model": NAME, "version": version, "port": port})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(*, listen: str, version: str, drain_seconds: float) -> AsyncIterator[int]:
    """Serve one version until the block ends; yields the port."""
    servicer = InferenceServicer(load(version))
    async with serving(
        lambda server: _add_to_server(servicer, server),
        listen=listen,
        names=(SERVICE,),
        drain_seconds=drain_seconds,
    ) as port:
        yield port


class InferenceServicer(oip_service.GRPCInferenceServiceServicer):
    """Answers for one version of one model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._types = feature_types()

    async def ServerLive(self, request: Any, context: Any) -> Any:
        """Whether the process runs: it does."""
        return oip.ServerLiveResponse(live=True)

    async def ServerReady(self, request: Any, context: Any) -> Any:
        """Whether the model is loaded: it is, before the port opens."""
        return oip.ServerReadyResponse(ready=True)

    async def ModelReady(self, request: Any, context: Any) -> Any:
        """Whether this process serves that model and version; no version asks for any."""
        return oip.ModelReadyResponse(ready=request.name == NAME and request.version in {"", self._model.version})

    async def ServerMetadata(self, request: Any, context: Any) -> Any:
        """Name of the server."""
        return oip.ServerMetadataResponse(name="pilote-models", version=self._model.version)

    async def ModelMetadata(self, request: Any, context: Any) -> Any:
        """Inputs and outputs of the model; no version asks for the one served here."""
        self._check_name(request.name)
        if request.version:
            self._check_version(request.version)
        tensor = oip.ModelMetadataResponse.TensorMetadata
        return oip.ModelMetadataResponse(
            name=NAME,
            versions=[self._model.version],
            platform=_PLATFORM,
            inputs=[tensor(name=name, datatype=datatype, shape=[-1]) for name, datatype in self._types.items()],
            outputs=[tensor(name=name, datatype=datatype, shape=[-1]) for name, datatype in OUTPUTS.items()],
        )

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        """Score every lead of the batch."""
        self._check_name(request.model_name)
        if not request.model_version:
            text = "is empty; say which version is to answer, so that a later one cannot answer unnoticed"
            raise CallEnded(Reason.ARGUMENT_INVALID, f"model_version {text}.", violations=(("model_version", text),))
        self._check_version(request.model_version)
        batch = batch_from(request, types=self._types, required=self._model.required)
        contents = {
            "score": oip.InferTensorContents(fp64_contents=self._model.scores(batch)),
            "version": oip.InferTensorContents(bytes_contents=[self._model.version.encode()] * batch.rows),
        }
        asked = [output.name for output in request.outputs] or list(OUTPUTS)
        return oip.ModelInferResponse(
            model_name=NAME,
            model_version=self._model.version,
            id=request.id,
            outputs=[
                oip.ModelInferResponse.InferOutputTensor(
                    name=name, datatype=OUTPUTS[name], shape=[batch.rows], contents=contents[name]
                )
                for name in asked
            ],
        )

    def _check_name(self, name: str) -> None:
        if name != NAME:
            raise CallEnded(Reason.NOT_FOUND, f"There is no model {name!r} here, but {NAME}.", metadata={"model": name})

    def _check_version(self, version: str) -> None:
        if version != self._model.version:
            raise CallEnded(
                Reason.NOT_FOUND,
                f"Version {version!r} of {NAME} is not served here, but {self._model.version!r}.",
                metadata={"model": NAME, "version": version},
            )
