"""What the tests share."""
import pytest
from PIL import Image
from shipped import MODEL, PICTURE

import intvit


@pytest.fixture(scope="module")
def model():
    return intvit.Model(MODEL)


@pytest.fixture(scope="module")
def picture():
    with Image.open(PICTURE) as image:
        return image.convert("RGB")
