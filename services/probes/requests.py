"""Requests from plain data, by the contracts that a policy describes."""

from collections.abc import Callable
from typing import Any, Final

from google.protobuf import json_format, message_factory

from gateway.core.contract import MethodContract
from gateway.core.revision.compiled import Revision
from services.probes.asking import Unaskable

_LARGEST: Final = 200


class Requests:
    """Makes requests of one policy's methods."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._made: dict[str, Callable[[], Any]] = {}

    def contract(self, method: str) -> MethodContract:
        """How the method is governed.

        Raises:
            Unaskable: nobody has described it.
        """
        policy = self._revision.methods.get(method)
        if policy is None:
            raise Unaskable("broken-method", method=method)
        return policy.contract

    def bytes_of(self, method: str, request: Any) -> bytes:
        """The request, which is protobuf JSON, as bytes.

        Raises:
            Unaskable: nobody has described the method, or it does not fit.
        """
        contract = self.contract(method)
        made = self._made.get(method)
        if made is None:
            pool: Any = self._revision.pool
            kind = pool.FindMessageTypeByName(contract.request_type)
            made = self._made[method] = message_factory.GetMessageClass(kind)
        try:
            message = json_format.ParseDict({} if request is None else request, made())
            return message.SerializeToString(deterministic=True)
        except (json_format.ParseError, TypeError, ValueError, AttributeError) as error:
            raise Unaskable("broken-request", method=method, problem=str(error)[:_LARGEST]) from error
