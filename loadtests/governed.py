"""The whole gateway, ready to be measured: its store, trace sink, policy, facts and token, and the process itself."""

import contextlib
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple, cast

import grpc
import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from loadtests.processes import Process, ProcessFailed, pilote, python
from pilote.crm.v1 import message_pb2, message_service_pb2, message_service_pb2_grpc

METHOD: Final = "/pilote.crm.v1.MessageService/SendMessage"
TRACE_RATIO: Final = 0.1
POLICY: Final = Path(__file__).with_name("policy.yaml")

_TENANT: Final = "acme"
_CELL: Final = f"pilote:{{{_TENANT}/0}}"
_STREAM: Final = f"{_CELL}:decisions"
_START_SECONDS: Final = 20.0
_SETTLE_SECONDS: Final = 5.0


class Written(NamedTuple):
    """What the gateway has written to the stream of decisions."""

    admitted: int
    """Records whose call was let through."""
    refused: int
    settled: int
    """Settlements of calls that the upstream answered."""


class Governed:
    """A running gateway, and what surrounds it."""

    def __init__(
        self,
        redis: Redis,
        *,
        gateway: Process,
        sink: Process,
        port: int,
        token: str,
        key: bytes,
        settings: Mapping[str, str],
    ) -> None:
        self._redis = redis
        self.settings: Final = settings
        self._key = key
        self.process: Final = gateway
        self.sink: Final = sink
        self.port: Final = port
        self.authorization: Final = f"Bearer {token}"

    def know(self, customer: str) -> None:
        """Store facts of a customer that let every rule of the policy pass."""
        reference = hashlib.blake2b(f"{_TENANT}\x00{customer}".encode(), digest_size=16, key=self._key).hexdigest()
        facts = {
            "consents": {"email": True, "sms": False, "phone": False},
            "time_zone": "Europe/Paris",
            "language": "fr",
            "segments": ["newsletter", "buyer", "paris", "warm"],
            "traits": {"tier": "standard", "plan": "pro", "industry": "retail"},
            "scores": {"churn": 0.2, "pressure": 0.3},
        }
        self._redis.set(f"{_CELL}:facts:{reference}", json.dumps(facts))

    def until_settled(self, calls: int) -> None:
        """Wait until that many calls have left both their entries: settlements come a few milliseconds later."""
        until = time.monotonic() + _SETTLE_SECONDS
        while int(self._redis.xlen(_STREAM)) < 2 * calls and time.monotonic() < until:
            Event().wait(0.01)

    def written(self) -> Written:
        """What was written since the last `forget`."""
        admitted = refused = settled = 0
        after = "-"
        while entries := cast("list[tuple[bytes, dict[bytes, bytes]]]", self._redis.xrange(_STREAM, after, count=2000)):
            for _, fields in entries:
                if fields[b"k"] == b"settle":
                    settled += b'"status":"OK"' in fields[b"r"]
                elif b'"granted":true' in fields[b"o"]:
                    admitted += 1
                else:
                    refused += 1
            after = f"({entries[-1][0].decode()}"
        return Written(admitted, refused, settled)

    def forget(self) -> None:
        """Empty the stream, which nobody reads here."""
        self._redis.xtrim(_STREAM, maxlen=0, approximate=False)


def request(customer: str) -> bytes:
    """A message to that customer, in the size of a short mail."""
    return message_service_pb2.SendMessageRequest(
        message=message_pb2.Message(
            customer=customer,
            channel="email",
            category="marketing",
            subject_line="Your renewal",
            body="Your contract ends next month. " * 8,
            campaign="renewal-2026",
        )
    ).SerializeToString()


@contextlib.contextmanager
def governed(home: Path, *, upstream: str, core: int, other_core: int) -> Iterator[Governed]:
    """A gateway on `core` in front of `upstream`; its store and its trace sink on `other_core`.

    Raises:
        ProcessFailed: something did not come up.
    """
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(
            Process(python("services.redis_server", str(home)), core=other_core, log=home / "redis.log")
        )
        url = f"unix://{home / 'redis.sock'}"
        redis = Redis.from_url(
            url, retry=Retry(ConstantBackoff(0.02), 500), retry_on_error=[RedisConnectionError, FileNotFoundError]
        )
        stack.callback(redis.close)
        redis.ping()
        store.check()
        sink = stack.enter_context(Process(python("loadtests.sink"), core=other_core, log=home / "sink.log"))
        key = home / "pseudonym.key"
        key.write_bytes(os.urandom(32))
        token = _policy(home / "policy.yaml", upstream=upstream)
        port = free_port()
        settings = {
            "PILOTE_HOME": str(home),
            "PILOTE_REDIS_URL": url,
            "PILOTE_GATEWAY_LISTEN": f"127.0.0.1:{port}",
            "PILOTE_PSEUDONYM_KEY_FILE": str(key),
            "PILOTE_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.line()}",
            "PILOTE_TRACE_RATIO": str(TRACE_RATIO),
            # A busy neighbour of the store's core must not turn into refused calls; what a call costs stays the same.
            "PILOTE_STORE_TIMEOUT_MS": "5000",
        }
        log = home / "gateway.log"
        with Process(
            pilote("apply", str(home / "policy.yaml")), core=other_core, log=log, environment=settings
        ) as applied:
            applied.wait(_START_SECONDS)
        gateway = stack.enter_context(Process(pilote("gateway"), core=core, log=log, environment=settings))
        running = Governed(
            redis, gateway=gateway, sink=sink, port=port, token=token, key=key.read_bytes(), settings=settings
        )
        _until_it_answers(running)
        yield running


def _policy(path: Path, *, upstream: str) -> str:
    """Write the policy for this run, and return the token of the agent it names."""
    private = Ed25519PrivateKey.generate()
    jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(private.public_key())) | {"kid": "bench", "alg": "EdDSA"}
    policy: dict[str, Any] = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    policy["issuers"][0]["jwks"] = {"keys": [jwk]}
    policy["upstreams"][0]["address"] = upstream
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")
    claims = {
        "iss": policy["issuers"][0]["issuer"],
        "aud": policy["issuers"][0]["audience"],
        "sub": policy["agents"][0]["tokens"][0]["subject"],
        "exp": int(time.time()) + 3600,
    }
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": "bench"})


def _until_it_answers(running: Governed) -> None:
    """Make one call through the gateway, again and again until it is allowed: then the policy is active."""
    customer = "contacts/first"
    running.know(customer)
    until = time.monotonic() + _START_SECONDS
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        send = message_service_pb2_grpc.MessageServiceStub(channel).SendMessage
        message = message_service_pb2.SendMessageRequest.FromString(request(customer))
        while True:
            running.process.check()
            try:
                send(message, timeout=1, metadata=(("authorization", running.authorization),))
            except grpc.RpcError as error:
                if time.monotonic() > until:
                    raise ProcessFailed(f"the gateway lets no call through: {error}") from error
                Event().wait(0.1)
            else:
                running.until_settled(1)
                running.forget()
                return


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
