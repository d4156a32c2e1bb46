"""Objects of Kubernetes itself against the strict schemas that the package kubernetes-validate has of it.

Its own function reads all definitions anew for each object, which takes a tenth of a second; here they are read once.
"""

import functools
import json
from importlib import resources
from typing import Any, Final

import jsonschema
import kubernetes_validate
from referencing import Registry, Resource

from tests.k8s.rendering import Object

VERSION: Final = kubernetes_validate.latest_version()
"""The newest that the package knows."""
_FOLDER: Final = resources.files(kubernetes_validate) / "kubernetes-json-schema" / f"v{VERSION}-local-strict"


def mistakes(each: Object) -> list[str]:
    """What is wrong with an object, a field that there is none of included."""
    group, _, version = each["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (each["kind"].lower(), group.partition(".")[0], version)))
    found = _validator(name).iter_errors(each)
    return [f"{each['kind']} {each['metadata']['name']}: {error.json_path} {error.message}" for error in found]


@functools.cache
def _validator(name: str) -> Any:
    schema = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions())


@functools.cache
def _definitions() -> "Registry[Any]":
    found = json.loads((_FOLDER / "_definitions.json").read_text(encoding="utf-8"))
    return Resource.from_contents(found) @ Registry()
