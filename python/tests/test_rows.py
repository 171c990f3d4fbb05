"""What the modules for clusters share, and Ray's, which needs no Ray."""
import numpy as np
import pandas as pd
from shipped import MODEL, PICTURE

import intvit
import intvit.ray
import intvit.spark


def test_a_batch_keeps_its_columns_and_its_order(model, picture):
    images = np.empty(4, object)
    images[:] = [PICTURE.read_bytes(), b"no picture", np.asarray(picture), None]
    batch = {"path": np.array(["a", "b", "c", "d"]), "bytes": images}
    found = intvit.ray.Classifier(MODEL, column="bytes")(batch)
    assert list(found) == ["path", "label", "index", "probability", "error"] and found["path"].tolist() == list("abcd")
    best = model.topk(picture, k=1)[0]
    assert found["label"].tolist() == ["cat", None, "cat", None]
    assert found["index"].tolist() == [best.index, -1, best.index, -1]
    assert found["probability"][0] == best.probability and np.isnan(found["probability"][1])
    assert found["error"][0] is None and "not a picture" in found["error"][1] and "NoneType" in found["error"][3]
    assert list(batch) == ["path", "bytes"]  # as it was


def test_arrays_that_are_read_only_and_grey(model):
    grey = np.random.default_rng(2).integers(0, 256, (3, 20, 30), np.uint8)  # three pictures, not one
    grey.flags.writeable = False
    found = intvit.ray.Classifier(MODEL.read_bytes())({"image": grey})
    assert found["index"].tolist() == [model.predict(image, k=1).indices[0] for image in grey]
    assert len(intvit.ray.Classifier(MODEL)({"image": grey[:0]})["label"]) == 0


def test_the_functions_for_spark(model, picture):
    batch = pd.DataFrame({"path": ["a", "b"], "content": [PICTURE.read_bytes(), b""], "length": [1, 0]})
    rows = list(intvit.spark.classify(MODEL)([batch]))
    assert list(rows[0].columns) == [word.split()[0] for word in intvit.spark.CLASSIFIED.split(", ")]
    assert rows[0].label[0] == "cat" and rows[0]["index"].tolist() == [model.topk(picture, k=1)[0].index, -1]
    columns = intvit.spark.make_predict_fn(str(MODEL))()(batch.content.to_numpy())
    assert list(columns) == [word.split()[0] for word in intvit.spark.CLASSES.split(", ")]
