"""Which Internet addresses anybody may reach: what outgoing calls to names that others chose are held to."""

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
"""RFC 8215; what stands behind such addresses is known in the network only."""


def public(address: Address) -> bool:
    """Whether anybody may reach the address, as IANA's registries say; of one that leads to another see `carried`."""
    local = isinstance(address, ipaddress.IPv6Address) and address in _LOCAL_NAT64
    return address.is_global and not address.is_multicast and not local


def carried(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to: by NAT64, 6to4 or Teredo, or written as one of IPv6."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
