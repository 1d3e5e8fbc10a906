"""`./dev demo`: a broker in this process, the hub on SQLite, three agents and the console, all on this machine.

`--check` shows nothing, waits until everything that the demo promises was seen, and exits with 0 only then.
"""

import argparse
import os
import re
import signal
import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from gatehouse_testing.demo.broker import EmbeddedBroker
from gatehouse_testing.demo.checking import Seen
from gatehouse_testing.demo.community import (
    REAL_CLIP,
    REAL_MODEL,
    Community,
    RealCamera,
    write_community,
)
from gatehouse_testing.demo.hub_client import HubClient
from gatehouse_testing.demo.programs import Programs
from gatehouse_testing.demo.story import Access, StoryTeller, load_story
from gatehouse_testing.dev.console import build
from gatehouse_testing.dev.paths import ROOT
from gatehouse_testing.dev.steps import StepError
from gatehouse_testing.ports import free_port

CHECK_WITHIN_S = 180.0
HUB_WITHIN_S = 60.0
LOOK_S = 1.0
DEFAULT_PORT = 8080


def main(argv: list[str]) -> int:
    """Run the demo until Ctrl-C, or check it; the exit status."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="wait for everything promised, then end"
    )
    parser.add_argument(
        "--port", type=int, default=0, help="of the console; default 8080, or a free one"
    )
    arguments = parser.parse_args(argv)
    # Ended in any way, it takes its hub and agents along; in the background shells ignore SIGINT for it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    console_built = build()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-demo-")))
        return _run(
            stack, folder, arguments.port, check=arguments.check, console_built=console_built
        )


def _run(stack: ExitStack, folder: Path, port: int, *, check: bool, console_built: bool) -> int:
    real = find_real_camera()
    if real is None:
        _say(
            "no real clip with a model at hand (GATEHOUSE_ASSETS is not set, nothing cached): synthetic scenes only"
        )
    http_port = port or (free_port() if check else _port_or_free(DEFAULT_PORT))
    mqtt_port = free_port()
    community = write_community(
        folder, ROOT / "seeds", mqtt_port=mqtt_port, http_port=http_port, real=real
    )
    stack.enter_context(EmbeddedBroker(mqtt_port, community.clients, folder))
    programs = stack.enter_context(Programs(folder))
    client = HubClient(f"http://127.0.0.1:{http_port}")
    stack.callback(client.close)
    password = _start_hub(programs, community, client)
    _start_agents(stack, programs, community, mqtt_port)
    if check:
        return _check(programs, Seen(client, console_built))
    _say(f"\n  Console   {client.url}/\n  Sign in   admin\n  Password  {password}\n")
    _say("The evening's story repeats every four minutes; Ctrl-C ends it.")
    return _watch(programs)


def find_real_camera() -> RealCamera | None:
    """A recording and a model in the assets folder; None where either is missing."""
    named = os.environ.get("GATEHOUSE_ASSETS")
    folders = [Path(named)] if named else []
    for folder in (*folders, ROOT.parent / "shared" / "assets"):
        clip = folder / REAL_CLIP
        if clip.is_file() and (folder / "models" / f"{REAL_MODEL}.onnx").is_file():
            os.environ["GATEHOUSE_ASSETS"] = str(folder.resolve())
            return RealCamera(clip.resolve())
    return None


def _start_hub(programs: Programs, community: Community, client: HubClient) -> str:
    """Start the hub and sign in for the first time; the administrator's new password."""
    log = programs.start(
        "hub", ["gatehouse-hub", "--config", str(community.hub_file), "serve"], os.environ
    )
    deadline = time.monotonic() + HUB_WITHIN_S
    while True:
        password = one_time_password(log.read_text(errors="replace"))
        if password is not None and client.is_healthy():
            return client.first_sign_in("admin", password)
        if programs.ended() or time.monotonic() > deadline:
            raise StepError(f"the hub did not start; its last words:\n{programs.last_words('hub')}")
        time.sleep(0.1)


def one_time_password(log: str) -> str | None:
    """The password that the hub prints once at its first start; None until it has."""
    found = re.search(r"one-time password (\S+)\n", log)
    return None if found is None else found[1]


def _start_agents(
    stack: ExitStack, programs: Programs, community: Community, mqtt_port: int
) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name, file in community.gateway_files.items():
        programs.start(name, ["gatehouse-edge", "run", "--config", str(file)], environment)
    story = load_story(ROOT / "seeds/sites/demo/story.yaml")
    access = Access(mqtt_port, "sensors", community.clients["sensors"].password)
    stack.enter_context(StoryTeller(story, access, time.monotonic()))


def _check(programs: Programs, seen: Seen) -> int:
    began = time.monotonic()
    while seen.waiting:
        for words in seen.look():
            _say(f"{time.monotonic() - began:4.0f} s  {words}")
        ended = programs.ended()
        if ended or time.monotonic() - began > CHECK_WITHIN_S:
            for name in ended or programs.running:
                _say(f"--- the last words of {name}:\n{programs.last_words(name)}")
            for name in seen.waiting:
                _say(f"not seen: {name}")
            return 1
        time.sleep(LOOK_S)
    _say(f"the demo is alive: {len(seen.met)} checks met in {time.monotonic() - began:.0f} s")
    return 0


def _watch(programs: Programs) -> int:
    try:
        while not programs.ended():
            time.sleep(LOOK_S)
    except KeyboardInterrupt:
        _say("ending")
        return 0
    for name in programs.ended():
        _say(f"{name} has ended; its last words:\n{programs.last_words(name)}")
    return 1


def _port_or_free(port: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return free_port()
    return port


def _say(text: str) -> None:
    print(text, flush=True)
