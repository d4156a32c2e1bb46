"""Settings: per process, from `PILOTE_*`, read once by the CLI and passed down. Policy is a revision, not a setting."""

import difflib
import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

PREFIX: Final = "PILOTE_"

_PORT: Final = r"^(\[[0-9a-fA-F:]+\]|[^:]+):[0-9]{1,5}$"
Port = Annotated[str, msgspec.Meta(pattern=_PORT)]
DatabaseUrl = Annotated[str, msgspec.Meta(pattern=r"^postgres(ql)?://")]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting of every process. README's table is checked against this class."""

    home: Path = Path(".pilote")
    """Where state is kept: the embedded store, records, logs, keys, the spool."""
    redis_url: str | None = None
    """Redis or Valkey 7 or newer, one server or a cluster; unset: `pilote up` starts an embedded server."""
    gateway_listen: Port = "127.0.0.1:50051"
    """Address of the gateway."""
    engine: Literal["in-process", "envoy"] = "in-process"
    """What carries the bytes of agents' calls: "in-process", or "envoy", an Envoy of each gateway's own."""
    gateway_address: Annotated[str, msgspec.Meta(pattern=rf"^$|{_PORT}")] = ""
    """Where agents reach the gateway, such as "pilote.example.com:443", as the console tells them; unset: where it
    listens."""
    audit_listen: Port = "127.0.0.1:50052"
    """Address of the audit service."""
    audit_seal_minutes: Annotated[int, msgspec.Meta(ge=0, le=1_440)] = 15
    """How long after its end an hour of decisions is written to a Parquet file."""
    audit_hot_hours: Annotated[int, msgspec.Meta(ge=0, le=8_784)] = 48
    """How long after that the SQLite file of the hour stays, which answers faster."""
    control_listen: Port = "127.0.0.1:8080"
    """Address of the control plane: HTTP, feature flags, revisions and proposals."""
    control_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/?#@]+/?)?\Z")] = ""
    """Where browsers reach the control plane, such as "https://pilote.example.com"; unset: at the address above. With
    https, its cookies go by TLS only."""
    control_proxies: str = ""
    """Addresses or networks of the proxies before the control plane, parted by commas, whose word counts for where a
    request comes from; unset: there are none."""
    control_key_file: Path | None = None
    """File with the control plane's keys, 64 hexadecimal digits a line, the same for all control planes; the first one
    seals and signs. Unset: one in `home` is made."""
    oidc_file: Path | None = None
    """File that says which OpenID provider people log in to the control plane through, and what its groups may do."""
    webhook_networks: str = ""
    """Networks beside the public Internet that webhooks may go to, parted by commas, such as "10.1.0.0/16"; unset:
    there are none."""
    webhooks_listen: Port = "127.0.0.1:50054"
    """Address at which the process that sends webhooks says whether it is well."""
    insights_listen: Port = "127.0.0.1:50055"
    """Address at which the process that looks for what is wrong says whether it is well."""
    insights_pause_minutes: Annotated[float, msgspec.Meta(ge=0.01, le=1_440)] = 5.0
    """Pause between two looks at what is new in the log."""
    insights_target_low_percent: Annotated[int, msgspec.Meta(ge=0, le=98)] = 25
    """How full customers' caps should be, at least: where the one in the middle has less, too little is done."""
    insights_target_high_percent: Annotated[int, msgspec.Meta(ge=1, le=99)] = 89
    """Likewise at most: where the one in the middle has more, a channel or segment is saturated."""
    rollouts_listen: Port = "127.0.0.1:50053"
    """Address at which the process that moves rollouts says whether it is well."""
    rollouts_poll_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=3_600)] = 5.0
    """Pause between two looks at the rollouts; longer where a look takes more than a tenth of it."""
    agents_listen: Port = "127.0.0.1:8081"
    """Address of the front for agents that speak REST or MCP."""
    agents_gateway: Annotated[str, msgspec.Meta(pattern=rf"^$|{_PORT}")] = ""
    """Where that front reaches the gateway; unset: where the gateway listens."""
    intake_listen: Port = "127.0.0.1:8082"
    """Address at which other systems tell of customers: events, consents, audiences, over HTTP."""
    intake_grpc_listen: Port = "127.0.0.1:50062"
    """Address at which gateways ask for what is known of customers, over gRPC."""
    agents_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/?#@]+/?)?\Z")] = ""
    """Where clients reach that front, such as "https://agents.example.com"; unset: where each says that it does."""
    agents_authorization_servers: str = ""
    """Issuers whose tokens the gateway takes, parted by commas, as that front tells clients of MCP; unset: none is
    told."""
    agents_key: str = ""
    """API key of the agent that `pilote agents --stdio` calls for."""
    crm_listen: Port = "127.0.0.1:50061"
    """Address of the CRM service."""
    models_listen: Port = "127.0.0.1:50071"
    """Address of the first demonstration model server; the second takes the next port."""
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    """Gateway processes that `pilote up` starts on one port."""
    store_timeout_ms: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    """Longest wait for the store within a call, in milliseconds."""
    drain_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 10.0
    """Time that running calls have to end when a process stops."""
    max_message_bytes: Annotated[int, msgspec.Meta(ge=1_024, le=67_108_864)] = 16_777_216
    """Largest message that a connection takes; contracts set lower limits of their own (4 MiB by default)."""
    pseudonym_key_file: Path | None = None
    """File with the key (32 bytes or more) that subjects' pseudonyms are made with; unset: one in `home` is made."""
    hold_key_file: Path | None = None
    """File with the keys that kept calls are sealed with, 64 hexadecimal digits a line; the first one seals. Unset: one
    in `home` is made."""
    replay_key_file: Path | None = None
    """File with the keys that what calls were decided by is sealed with, 64 hexadecimal digits a line; the first one
    seals. Unset: one in `home` is made."""
    envoy_key_file: Path | None = None
    """File with the keys, 32 characters or more a line, by which Envoy may ask this gateway about plain HTTP requests;
    unset: whoever has a certificate, where Envoy comes by mutual TLS, else nobody."""
    envoy_listen: Annotated[str, msgspec.Meta(pattern=rf"^$|{_PORT}")] = ""
    """Address at which Envoy reaches this gateway by mutual TLS, with `envoy_tls_dir`, and then nowhere else; unset:
    where agents do."""
    envoy_tls_dir: Path | None = None
    """Folder with `tls.crt` and `tls.key` of this gateway and `ca.crt`, which must have signed Envoy's certificate;
    changed files count for new connections."""
    tls_dir: Path | None = None
    """Folder with `tls.crt` and `tls.key` of this process and `ca.crt`, which has signed those of all processes. With
    it every port takes TLS only, and processes show each other their certificates; changed files count for new
    connections. Unset: they speak without TLS."""
    tls_clients_file: Path | None = None
    """File with the authorities, in PEM, one of which must have signed the certificate of whoever else connects to the
    gateway, the control plane, the agents' front or the intake; unset: of them none is asked for."""
    health_listen: Annotated[str, msgspec.Meta(pattern=rf"^$|{_PORT}")] = ""
    """Address at which this process says without TLS, by gRPC's health service, whether it is well, and answers nothing
    else; unset: where it answers everything else."""
    audit_url: DatabaseUrl | None = None
    """Database of PostgreSQL that the audit service keeps decisions in; unset: it keeps them in `home`."""
    audit_key_file: Path | None = None
    """File with the Ed25519 key (PEM) that the log of decisions is signed with; unset: one in `home` is made."""
    audit_origin: str = ""
    """What the log of decisions is called in its checkpoints, such as "example.com/pilote"; unset: after its key."""
    witness_keys_file: Path | None = None
    """File with public keys (C2SP verifier keys, one a line) of witnesses who may sign checkpoints; unset: nobody."""
    record_key_file: Path | None = None
    """File with the master keys of what records say of customers, 64 hexadecimal digits a line; the first one seals.
    Unset: one in `home` is made."""
    vault_key_file: Path | None = None
    """File with the keys that the vault's sensitive attributes are sealed with, 64 hexadecimal digits a line; the first
    one seals. Unset: one in `home` is made."""
    trusted_people_file: Path | None = None
    """File with the `people` and `approvals` of a policy, whom this process trusts where it has run none yet; unset:
    those of the first revision that it finds."""
    otlp_endpoint: str | None = None
    """OTLP gRPC endpoint for traces and metrics, such as "http://127.0.0.1:4317"; unset: none are exported."""
    metrics_listen: Annotated[str, msgspec.Meta(pattern=rf"^off$|{_PORT}")] = "127.0.0.1:9464"
    """Address where Prometheus reads `/metrics` of all processes that share `home`; "off": nowhere."""
    trace_ratio: Ratio = 1.0
    """Share of allowed calls whose span is exported; refused and failed calls always are."""
    trace_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s]*\{trace_id\}[^\s]*)?\Z")] = ""
    """Where people look at traces, such as "https://traces.example.com/trace/{trace_id}"; the console links
    there. Unset: it links nowhere."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    call_log: Literal["all", "refused", "none"] = "refused"
    """Which calls get a log line: "all", "refused" (refused and failed ones) or "none". Records are kept of all."""
    lang: Literal["en", "fr"] | None = None
    """Language of the command line, "en" or "fr"; unset: the system's."""


class SettingsInvalid(Exception):
    """The environment has mistakes; one text for each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. A misspelt variable is a mistake, not a default.

    Raises:
        SettingsInvalid: with every mistake.
    """
    environment = os.environ if environment is None else environment  # noqa: TID251 - the one place
    fields = {f"{PREFIX}{field.name.upper()}": field for field in msgspec.structs.fields(Settings)}
    mistakes: list[str] = []
    found: dict[str, Any] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX):
            continue
        field = fields.get(name)
        if field is None:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(fields)}"
            mistakes.append(f"{name} is no setting; {hint}")
            continue
        try:
            found[field.name] = msgspec.convert(text, field.type, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            mistakes.append(f"{name}: {error}{_choices(field.type)}")
    if mistakes:
        raise SettingsInvalid(mistakes)
    return Settings(**found)


def inherited() -> dict[str, str]:
    """The whole environment, for child processes to inherit."""
    return dict(os.environ)  # noqa: TID251


def language(settings: Settings, environment: Mapping[str, str] | None = None) -> str:
    """The language of the command line: the setting, else the system's, else English."""
    environment = os.environ if environment is None else environment  # noqa: TID251
    system = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    wanted = settings.lang or system
    return "fr" if wanted.lower().startswith("fr") else "en"


def _choices(kind: Any) -> str:
    parts = (kind, *typing.get_args(kind))
    choices = [str(c) for part in parts if typing.get_origin(part) is Literal for c in typing.get_args(part)]
    return f"; choose one of {', '.join(choices)}" if choices else ""


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(kind)
