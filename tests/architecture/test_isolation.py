"""Each package installs and works in an environment that holds only it and what it declares."""

from dataclasses import replace
from pathlib import Path

import pytest

from gatehouse_testing.dev import isolate
from gatehouse_testing.dev.isolate import PROMISES, Promise
from gatehouse_testing.dev.steps import StepError

each_package = pytest.mark.parametrize(
    "environment", PROMISES, ids=[p.distribution for p in PROMISES], indirect=True
)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of the three products, built from the tree."""
    return isolate.build_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest, wheels: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Promise, Path]:
    """One promise, and the Python of an environment that holds only that package."""
    promise: Promise = request.param
    folder = tmp_path_factory.mktemp("alone") / promise.distribution
    return promise, isolate.make_environment(promise, wheels, folder)


@each_package
def test_every_module_imports_where_only_its_package_is(environment: tuple[Promise, Path]) -> None:
    isolate.import_all(*environment)


@each_package
def test_what_a_package_promises_to_do_without_is_absent(
    environment: tuple[Promise, Path],
) -> None:
    isolate.look_for_the_unwanted(*environment)


@each_package
def test_the_program_says_how_it_is_used(environment: tuple[Promise, Path]) -> None:
    isolate.ask_for_help(*environment)


@pytest.mark.parametrize("environment", [PROMISES[0]], ids=["gatehouse-shared"], indirect=True)
def test_a_broken_promise_is_noticed(environment: tuple[Promise, Path]) -> None:
    promise, python = environment
    with pytest.raises(StepError, match="msgspec"):
        isolate.look_for_the_unwanted(replace(promise, without=("msgspec",)), python)
