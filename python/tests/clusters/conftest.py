"""What the tests of clusters share."""
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1])]

import pictures  # noqa: E402  pylint: disable=wrong-import-position

import intvit  # noqa: E402  pylint: disable=wrong-import-position


@pytest.fixture(scope="session", name="paths")
def two_thousand_pictures(tmp_path_factory):
    return pictures.write(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session", name="expected")
def what_one_process_says(paths):
    return pictures.expected(intvit.load("cifar10"), paths)


@pytest.fixture(scope="session", name="model_file")
def the_model_that_ships():
    return str(intvit._program.SHIPPED_MODEL)  # pylint: disable=protected-access
