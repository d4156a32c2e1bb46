"""Cross-checks of the registry: models, their versions and aliases, and prompts."""

from gateway.core.policy.document import Document
from gateway.core.policy.serving import Model, Prompt
from gateway.core.revision.decode import Mistakes, Path
from gateway.core.revision.naming import known, one_of


def check_models(document: Document, mistakes: Mistakes) -> None:
    """Report whatever models and prompts name that is not there, or have twice."""
    for index, prompt in enumerate(document.prompts):
        _prompt(prompt, ("prompts", index, "versions"), mistakes)
    for index, model in enumerate(document.models):
        path: Path = ("models", index, "versions")
        if not model.versions:
            mistakes.add(path, f"the model {model.name!r} has no version", fix="list at least one")
        _unique([version.version for version in model.versions], path, mistakes)
        for place, version in enumerate(model.versions):
            known(version.upstream, document.upstreams, (*path, place, "upstream"), mistakes)
            if version.prompt is not None:
                _uses(version.prompt, (*path, place, "prompt"), document, mistakes)
        _aliases(model, ("models", index, "aliases"), mistakes)


def _aliases(model: Model, path: Path, mistakes: Mistakes) -> None:
    versions = [version.version for version in model.versions]
    for alias, version in model.aliases.items():
        if version not in versions:
            problem = f"the alias {alias!r} stands for {version!r}, which is no version of the model {model.name!r}"
            mistakes.add((*path, alias), problem, fix=one_of(versions, "list it"))


def _prompt(prompt: Prompt, path: Path, mistakes: Mistakes) -> None:
    if not prompt.versions:
        mistakes.add(path, f"the prompt {prompt.name!r} has no version", fix="list at least one")
    _unique([version.version for version in prompt.versions], path, mistakes)
    for place, version in enumerate(prompt.versions):
        if (version.text is None) == (version.sha256 is None):
            problem = f"the version {version.version!r} must say in one way what it is"
            fix = "give either `text`, or the `sha256` of a text that is kept elsewhere"
            mistakes.add((*path, place), problem, fix=fix)


def _uses(used: str, path: Path, document: Document, mistakes: Mistakes) -> None:
    there = [f"{prompt.name}@{version.version}" for prompt in document.prompts for version in prompt.versions]
    if used not in there and not mistakes.under("prompts"):
        mistakes.add(path, f"{used!r} is no version of a prompt", fix=one_of(there, "add it to `prompts`"))


def _unique(versions: list[str], path: Path, mistakes: Mistakes) -> None:
    for place, version in enumerate(versions):
        if version in versions[:place]:
            mistakes.add((*path, place), f"the version {version!r} is listed twice", fix="remove one of them")
