"""Spark, a cluster of two executors, of which one's Python worker is killed in the middle."""
import os

import pictures
import pytest

import intvit.spark

pytest.importorskip("pyspark")
from pyspark.sql import SparkSession  # noqa: E402


@pytest.fixture(scope="module", name="spark")
def cluster():
    folders = os.pathsep.join([os.path.dirname(__file__), os.path.dirname(os.path.dirname(__file__))])
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.ui.enabled", "false")
        .config("spark.executorEnv.PYTHONPATH", folders)
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(name="files")
def table_of_files(spark, paths):
    return spark.read.format("binaryFile").load(str(paths[0].parent)).repartition(8)


def rows_of(rows):
    return {
        os.path.basename(path): pictures.as_expected(label, index, probability, error)
        for path, label, index, probability, error in rows
    }


def test_every_row_once(files, expected, model_file, tmp_path):
    marker = str(tmp_path / "died")
    classify = intvit.spark.classify(model_file)

    def mortal(batches):
        def seen():
            for batch in batches:
                if batch.path.str.endswith("1000.png").any():
                    pictures.die_once(marker)
                yield batch

        return classify(seen())

    rows = files.mapInPandas(mortal, intvit.spark.CLASSIFIED).collect()
    assert os.path.exists(marker)
    assert len(rows) == pictures.COUNT and rows_of(rows) == expected


def test_a_column(files, paths, expected, model_file, tmp_path):
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import StructType

    marker = str(tmp_path / "died")
    fatal = paths[1000].read_bytes()
    with open(model_file, "rb") as file:
        make = intvit.spark.make_predict_fn(file.read())

    def make_mortal():
        predict = make()

        def seen(images):
            if any(bytes(image) == fatal for image in images):
                pictures.die_once(marker)
            return predict(images)

        return seen

    classify = predict_batch_udf(make_mortal, return_type=StructType.fromDDL(intvit.spark.CLASSES), batch_size=50)
    rows = files.select("path", classify("content").alias("c")).select("path", "c.*").collect()
    assert os.path.exists(marker)
    assert len(rows) == pictures.COUNT and rows_of(rows) == expected
