"""Our names of OpenTelemetry's conventions are those of the installed package, or of our own list where it has none."""

import importlib
import warnings
from typing import Final

import pytest
from opentelemetry.semconv.schemas import Schemas

from gateway.watching import semconv
from pilote.inference.v1 import inference_service_pb2

MODULES: Final = ("rpc", "gen_ai", "mcp", "error", "http", "url")
PINNED: Final = {
    "rpc.system.name",
    "rpc.method",
    "rpc.response.status_code",
    "error.type",
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "url.scheme",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.request.stream",
    "gen_ai.response.model",
    "gen_ai.conversation.id",
    "gen_ai.prompt.name",
    "gen_ai.agent.name",
    "gen_ai.agent.version",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.tool.name",
    "gen_ai.tool.call.id",
    "mcp.method.name",
    "mcp.protocol.version",
    "mcp.resource.uri",
    "mcp.session.id",
}
"""Read from the registries of the versions that `gateway.watching.semconv` names: a rename of ours must be meant."""


def ours() -> dict[str, str]:
    return {
        name: value
        for name, value in vars(semconv).items()
        if isinstance(value, str)
        and value.startswith(("rpc.", "gen_ai.", "mcp.", "error.", "http.", "url."))
        and name != "CALL_DURATION"
    }


def theirs(module: str) -> dict[str, str]:
    """What the installed package still has; what has moved is there as deprecated, and may go with any version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = importlib.import_module(f"opentelemetry.semconv._incubating.attributes.{module}_attributes")
        except ModuleNotFoundError:
            return {}
    return {name: value for name, value in vars(found).items() if name.isupper() and isinstance(value, str)}


def test_our_names_are_the_pinned_ones() -> None:
    assert set(ours().values()) == PINNED


@pytest.mark.parametrize("module", MODULES)
def test_where_the_package_has_a_namespace_it_has_our_names(module: str) -> None:
    known = set(theirs(module).values())
    mine = {value for value in ours().values() if value.startswith(f"{module}.")}
    assert mine
    assert not known or mine <= known


def test_the_package_has_every_rpc_name_for_those_have_not_moved() -> None:
    assert "rpc.response.status_code" in theirs("rpc").values()


def test_the_package_is_of_the_version_we_name() -> None:
    assert Schemas["V" + semconv.CONVENTIONS.replace(".", "_")].value == semconv.SCHEMA_URL
    assert list(Schemas)[-1].value == semconv.SCHEMA_URL


def test_the_duration_is_named_as_in_the_package() -> None:
    metrics = importlib.import_module("opentelemetry.semconv._incubating.metrics.rpc_metrics")
    assert semconv.CALL_DURATION == metrics.RPC_SERVER_CALL_DURATION
    assert list(semconv.CALL_DURATION_BOUNDS) == sorted(set(semconv.CALL_DURATION_BOUNDS))


def test_the_values_are_known_ones() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = importlib.import_module("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
        operations = {each.value for each in found.GenAiOperationNameValues}
        providers = {each.value for each in found.GenAiProviderNameValues}
    assert set(semconv.OPERATIONS.values()) <= operations
    assert set(semconv.PROVIDERS.values()) <= providers
    assert semconv.INFERENCE not in operations  # else it need not be our own


def test_every_method_of_our_own_contract_has_an_operation() -> None:
    service = inference_service_pb2.DESCRIPTOR.services_by_name["InferenceService"]
    assert set(semconv.OPERATIONS) == {f"/{service.full_name}/{method.name}" for method in service.methods}
