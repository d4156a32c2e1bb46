"""Open Inference tensors to batches of features. Every mistake says which input it is in, and what to do."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from gateway.core.errors import CallEnded, Reason
from services.models.scoring import Batch

MAX_ROWS: Final = 10_000
MAX_COUNT: Final = 2**53
OUTPUTS: Final[Mapping[str, str]] = {"score": "FP64", "version": "BYTES"}

Violation = tuple[str, str]
V = TypeVar("V")


def batch_from(request: Any, *, types: Mapping[str, str], required: Sequence[str]) -> Batch:
    """The features that a `ModelInferRequest` brings, as typed contents or as raw bytes.

    `types` are the inputs that there are, with their datatypes; those of `required` must come.

    Raises:
        CallEnded: ARGUMENT_INVALID with every mistake.
    """
    wrong = [*_mistakes(request, types=types, required=required), *_unknown_outputs(request)]
    _refuse(wrong)
    rows = request.inputs[0].shape[0]
    words: dict[str, Sequence[str]] = {}
    counts: dict[str, Sequence[int]] = {}
    for place, tensor in enumerate(request.inputs):
        raw = request.raw_input_contents[place] if request.raw_input_contents else None
        try:
            if tensor.datatype == "BYTES":
                words[tensor.name] = _of_length(rows, _words(tensor, raw))
            else:
                counts[tensor.name] = _of_length(rows, _counts(tensor, raw))
        except ValueError as error:
            wrong.append((f"inputs.{tensor.name}", str(error)))
    _refuse(wrong)
    return Batch(rows=rows, words=words, counts=counts)


def _refuse(wrong: Sequence[Violation]) -> None:
    if wrong:
        field, text = wrong[0]
        raise CallEnded(Reason.ARGUMENT_INVALID, f"{field} {text}.", violations=tuple(wrong))


def _mistakes(request: Any, *, types: Mapping[str, str], required: Sequence[str]) -> Iterator[Violation]:
    if not request.inputs:
        yield "inputs", f"must bring at least {', '.join(required)}"
        return
    raws = len(request.raw_input_contents)
    if raws and raws != len(request.inputs):
        yield "raw_input_contents", f"must be one for each input: {len(request.inputs)}, not {raws}"
    names = [tensor.name for tensor in request.inputs]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"inputs.{name}", "comes more than once; send it once"
    for name in required:
        if name not in names:
            yield f"inputs.{name}", "is missing; send it as a BYTES tensor, empty where it is not known"
    first = tuple(request.inputs[0].shape)
    for tensor in request.inputs:
        yield from _mistakes_of(tensor, types=types, shape=first)


def _mistakes_of(tensor: Any, *, types: Mapping[str, str], shape: tuple[int, ...]) -> Iterator[Violation]:
    field, own = f"inputs.{tensor.name}", tuple(tensor.shape)
    if tensor.name not in types:
        yield field, f"is no input of this model; choose among {', '.join(types)}"
    elif tensor.datatype != types[tensor.name]:
        yield field, f"must have datatype {types[tensor.name]}, not {tensor.datatype or 'none'}"
    if not own or own[1:] not in {(), (1,)} or not 1 <= own[0] <= MAX_ROWS:
        yield field, f"must have shape [n] or [n, 1] with n from 1 to {MAX_ROWS}, not {list(own)}"
    elif own[0] != (shape[0] if shape else 0):
        yield field, f"must have as many rows as the first input: {list(shape)}, not {list(own)}"


def _unknown_outputs(request: Any) -> Iterator[Violation]:
    for output in request.outputs:
        if output.name not in OUTPUTS:
            yield f"outputs.{output.name}", f"is no output of this model; choose among {', '.join(OUTPUTS)}"


def _of_length(rows: int, values: Sequence[V]) -> Sequence[V]:
    if len(values) != rows:
        raise ValueError(f"holds {len(values)} values; its shape says {rows}")
    return values


def _words(tensor: Any, raw: bytes | None) -> Sequence[str]:
    values = tensor.contents.bytes_contents if raw is None else tuple(_raw_words(raw))
    try:
        return tuple(value.decode() for value in values)
    except UnicodeDecodeError as error:
        raise ValueError("must be UTF-8") from error


def _raw_words(raw: bytes) -> Iterator[bytes]:
    # The protocol writes each element of a raw BYTES tensor as its length in 4 bytes, little-endian, then itself.
    place = 0
    while place < len(raw):
        if place + 4 > len(raw):
            raise ValueError("ends inside a length of 4 bytes")
        (length,) = struct.unpack_from("<I", raw, place)
        place += 4 + length
        if place > len(raw):
            raise ValueError("ends inside an element")
        yield raw[place - length : place]


def _counts(tensor: Any, raw: bytes | None) -> Sequence[int]:
    if raw is None:
        values: Sequence[int] = tuple(tensor.contents.int64_contents)
    elif len(raw) % 8:
        raise ValueError("must be 8 bytes for each value")
    else:
        values = struct.unpack(f"<{len(raw) // 8}q", raw)
    if any(not 0 <= value <= MAX_COUNT for value in values):
        raise ValueError("must be counts of 0 or more")
    return values
