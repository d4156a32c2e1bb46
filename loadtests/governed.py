"""The whole gateway, ready to be measured: its store, trace sink, policy, facts and token, and the process itself."""

import contextlib
import copy
import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple, cast

import grpc
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from loadtests.message import request
from loadtests.processes import Process, ProcessFailed, pilote, python
from loadtests.setups import Setup, base_policy
from pilote.crm.v1 import message_service_pb2, message_service_pb2_grpc

TRACE_RATIO: Final = 0.1

_TENANT: Final = "acme"
_CELL: Final = f"pilote:{{{_TENANT}/0}}"
_STREAM: Final = f"{_CELL}:decisions"
_TOGETHER: Final = 5_000
_START_SECONDS: Final = 120.0
_SETTLE_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.01
_TRY_SECONDS: Final = 0.1
"""Pauses; what waits counts these and reads no clock, so that a run outlives that it is stopped for a while."""
_FACTS: Final = json.dumps(
    {
        "consents": {"email": True, "sms": False, "phone": False},
        "time_zone": "Europe/Paris",
        "language": "fr",
        "segments": ["newsletter", "buyer", "paris", "warm"],
        "traits": {"tier": "standard", "plan": "pro", "industry": "retail"},
        "scores": {"churn": 0.2, "pressure": 0.3},
    }
)


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
        credentials: "Credentials",
        setup: Setup,
        key: bytes,
        settings: Mapping[str, str],
    ) -> None:
        self._redis = redis
        self.settings: Final = settings
        self._key = key
        self._entries = setup.entries
        self.reply: Final = setup.reply
        """What callers get."""
        self.process: Final = gateway
        self.sink: Final = sink
        self.port: Final = port
        self.credentials: Final = credentials
        self.authorization: Final = f"Bearer {credentials.token(setup.policy['agents'][0]['tokens'][0]['subject'])}"
        """A token of the first agent, as a call carries it."""
        self.credential: Final = (
            ("x-api-key", credentials.key) if setup.credential == "key" else ("authorization", self.authorization)
        )
        """Metadata by which the first agent shows who it is."""

    def know(self, customer: str) -> None:
        """Store facts of a customer that let every rule of the policy pass."""
        self._redis.set(self._facts_of(customer), _FACTS)

    def know_all(self, count: int) -> None:
        """Store such facts of `contacts/0` and the following ones."""
        for first in range(0, count, _TOGETHER):
            numbers = range(first, min(first + _TOGETHER, count))
            self._redis.mset({self._facts_of(f"contacts/{number}"): _FACTS for number in numbers})

    def _facts_of(self, customer: str) -> str:
        reference = hashlib.blake2b(f"{_TENANT}\x00{customer}".encode(), digest_size=16, key=self._key).hexdigest()
        return f"{_CELL}:facts:{reference}"

    def until_settled(self, calls: int) -> None:
        """Wait until that many calls have left all their entries: settlements come a few milliseconds later."""
        for _ in range(int(_SETTLE_SECONDS / _LOOK_SECONDS)):
            if int(self._redis.xlen(_STREAM)) >= self._entries * calls:
                return
            Event().wait(_LOOK_SECONDS)

    def written(self) -> Written:
        """What was written since the last `forget`."""
        admitted = refused = settled = 0
        after = "-"
        while entries := cast("list[tuple[bytes, dict[bytes, bytes]]]", self._redis.xrange(_STREAM, after, count=2000)):
            for _, fields in entries:
                kind = fields[b"k"]
                if kind == b"settle":
                    settled += b'"status":"OK"' in fields[b"r"]
                elif kind == b"admit" and b'"granted":true' in fields[b"o"]:
                    admitted += 1
                elif kind == b"admit":
                    refused += 1
            after = f"({entries[-1][0].decode()}"
        return Written(admitted, refused, settled)

    def forget(self) -> None:
        """Empty the stream, which nobody reads here."""
        self._redis.xtrim(_STREAM, maxlen=0, approximate=False)


@contextlib.contextmanager
def governed(
    home: Path, *, upstream: str, core: int, other_core: int, setup: Setup | None = None
) -> Iterator[Governed]:
    """A gateway on `core` in front of `upstream`; its store and its trace sink on `other_core`.

    Without a `setup` it runs with what the benchmark measures.

    Raises:
        ProcessFailed: something did not come up.
    """
    setup = setup or Setup(base_policy())
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
        credentials = Credentials(setup.policy)
        # JSON, which is YAML too: a policy of 10,000 agents is written and read in a tenth of the time.
        (home / "policy.yaml").write_text(json.dumps(credentials.completed(setup.policy, upstream=upstream), indent=0))
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
            **setup.settings,
        }
        settings = {name: text for name, text in settings.items() if text}
        log = home / "gateway.log"
        with Process(
            pilote("apply", str(home / "policy.yaml")), core=other_core, log=log, environment=settings
        ) as applied:
            applied.wait(_START_SECONDS)
        gateway = stack.enter_context(
            Process(
                pilote("gateway", *(("--engine", setup.engine) if setup.engine else ()), by=setup.python),
                core=core,
                log=log,
                environment=settings,
                quiet=True,  # a pipe that nobody reads is full one day, and then whoever logs waits for ever
            )
        )
        running = Governed(
            redis,
            gateway=gateway,
            sink=sink,
            port=port,
            credentials=credentials,
            setup=setup,
            key=key.read_bytes(),
            settings=settings,
        )
        _until_it_answers(running)
        yield running


class Credentials:
    """By what the agents of a policy show who they are: tokens of an issuer of this run, or a key of the first one."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self._private = Ed25519PrivateKey.generate()
        self._issuer = policy["issuers"][0]
        self.key: Final = secrets.token_urlsafe(32)

    def token(self, subject: str) -> str:
        """One that is valid for an hour."""
        claims = {
            "iss": self._issuer["issuer"],
            "aud": self._issuer["audience"],
            "sub": subject,
            "exp": int(time.time()) + 3600,
        }
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": "bench"})

    def completed(self, policy: Mapping[str, Any], *, upstream: str) -> dict[str, Any]:
        """The policy with what only this run knows: the issuer's key, the first agent's, and the upstream's address."""
        found = copy.deepcopy(dict(policy))
        jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._private.public_key()))
        found["issuers"][0]["jwks"] = {"keys": [jwk | {"kid": "bench", "alg": "EdDSA"}]}
        found["agents"][0]["keys"] = [{"id": "bench", "sha256": hashlib.sha256(self.key.encode()).hexdigest()}]
        found["upstreams"][0]["address"] = upstream
        return found


def _until_it_answers(running: Governed) -> None:
    """Make one call through the gateway, again and again until it is allowed: then the policy is active."""
    customer = "contacts/first"
    running.know(customer)
    left = int(_START_SECONDS / _TRY_SECONDS)
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        send = message_service_pb2_grpc.MessageServiceStub(channel).SendMessage
        message = message_service_pb2.SendMessageRequest.FromString(request(customer))
        while True:
            running.process.check()
            try:
                send(message, timeout=1, metadata=(running.credential,))
            except grpc.RpcError as error:
                left -= 1
                if left <= 0:
                    raise ProcessFailed(f"the gateway lets no call through: {error}") from error
                Event().wait(_TRY_SECONDS)
            else:
                running.until_settled(1)
                running.forget()
                return


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
