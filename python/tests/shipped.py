"""The model that ships, and files like it with other metadata."""
import json
import pathlib

ROOT = pathlib.Path(__file__).parents[2]
MODEL = ROOT / "models/zoo/cifar10_vit.safetensors"
PICTURE = ROOT / "docs/sample/chelsea.png"


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return f"{crc ^ 0xFFFFFFFF:08x}"


def rewritten(change):
    """The model's file after `change` of its metadata, whose checksum is as docs/format.md says."""
    file = MODEL.read_bytes()
    begin = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:begin])
    metadata = header["__metadata__"]
    change(metadata)
    text = "".join(f"{k}\0{v}\0" for k, v in sorted(metadata.items()) if k != "intvit.metadata_checksum")
    metadata["intvit.metadata_checksum"] = crc32c(text.encode())
    written = json.dumps(header, separators=(",", ":")).encode()
    written += b" " * (-len(written) % 8)
    return len(written).to_bytes(8, "little") + written + file[begin:]


def shipped_as(result):
    """The model, its outputs meaning something else."""

    def change(metadata):
        graph = json.loads(metadata["intvit.graph"])
        features = json.loads(metadata["intvit.required_features"])
        metadata["intvit.graph"] = json.dumps(graph | {"result": result}, separators=(",", ":"))
        metadata["intvit.required_features"] = json.dumps(sorted(features + [f"result.{result}"]))

    return rewritten(change)


def unlabelled_model():
    return rewritten(lambda metadata: metadata.update({"intvit.labels": "[]"}))
