"""Has a process show its certificate wherever it listens or connects, as the settings say."""

from gateway.settings import Settings, from_environment


def present_own(settings: Settings) -> None:
    """Speak TLS from now on, where a folder with certificates is set.

    Raises:
        ValueError: they cannot be used, or half of the settings is missing.
        OSError: they cannot be read.
    """
    if settings.tls_dir is None:
        if settings.tls_clients_file is not None:
            raise ValueError("PILOTE_TLS_CLIENTS_FILE needs PILOTE_TLS_DIR, with the certificate of this process.")
        return
    from gateway.certificates import Certificates, present

    present(Certificates(settings.tls_dir.resolve(), clients=settings.tls_clients_file))


def present_inherited() -> None:
    """The same in a process that one of ours has started, which was given the same environment."""
    present_own(from_environment())
