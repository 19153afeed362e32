"""Where models run: this machine, another by SSH, a telephone by adb."""

from tfprune.errors import DataError
from tfprune.timing.devices.adb import Adb
from tfprune.timing.devices.here import ThisMachine
from tfprune.timing.devices.protocol import Device
from tfprune.timing.devices.ssh import Ssh

__all__ = ["Adb", "Device", "Ssh", "ThisMachine", "device_at"]


def device_at(address: str | Device) -> Device:
    """Returns the device at an address; a device is returned as it is.

    Args:
        address: "here", "ssh://user@host:port" (user and port may be left out), or "adb",
            "adb:SERIAL" where the program lies on the device already; otherwise
            `Adb(binary="benchmark_model")`.

    Raises:
        DataError: the address is of another form.

    Example:
        >>> device_at("ssh://pi@raspberrypi.local:2222").name
        'ssh://pi@raspberrypi.local:2222'
    """
    if not isinstance(address, str):
        return address
    if address == "here":
        return ThisMachine()
    if address.startswith("ssh://"):
        return Ssh.at(address)
    if address.split(":")[0] == "adb":
        return Adb.at(address)
    raise DataError(
        f"expected a device here, ssh://user@host:port or adb:SERIAL, received {address!r}"
    )
