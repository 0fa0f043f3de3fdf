"""A Triton repository has the layout and the fields of Triton's published `ModelConfig`.

Triton's own schema is in none of the installed packages: its messages that are used are declared
here by their published names and types, and protobuf reads the text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bundle_files import FRAMES, LABELS, SIZE, bundled, write_served_graph
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

Field = descriptor_pb2.FieldDescriptorProto
TEXT, INT32, INT64, UINT64 = (
    Field.TYPE_STRING,
    Field.TYPE_INT32,
    Field.TYPE_INT64,
    Field.TYPE_UINT64,
)
KINDS = ("KIND_AUTO", "KIND_GPU", "KIND_CPU", "KIND_MODEL")
# name: (number, type or the name of one, repeated)
MESSAGES: dict[str, dict[str, tuple[int, Any, bool]]] = {
    "ModelInput": {
        "name": (1, TEXT, False),
        "data_type": (2, "DataType", False),
        "dims": (4, INT64, True),
    },
    "ModelOutput": {
        "name": (1, TEXT, False),
        "data_type": (2, "DataType", False),
        "dims": (3, INT64, True),
        "label_filename": (4, TEXT, False),
    },
    "ModelInstanceGroup": {"count": (2, INT32, False), "kind": (4, "Kind", False)},
    "ModelDynamicBatching": {
        "preferred_batch_size": (1, INT32, True),
        "max_queue_delay_microseconds": (2, UINT64, False),
    },
    "ModelConfig": {
        "name": (1, TEXT, False),
        "backend": (17, TEXT, False),
        "max_batch_size": (4, INT32, False),
        "input": (5, "ModelInput", True),
        "output": (6, "ModelOutput", True),
        "instance_group": (7, "ModelInstanceGroup", True),
        "dynamic_batching": (11, "ModelDynamicBatching", False),
    },
}
ENUMS = {
    "DataType": {"TYPE_UINT8": 2, "TYPE_FP32": 11},
    "Kind": dict(zip(KINDS, range(4), strict=True)),
}


def config_class() -> Any:
    """Return the message class `ModelConfig`."""
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference")
    for name, values in ENUMS.items():
        enum = file.enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            label = Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL
            made = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                made.type = Field.TYPE_ENUM if kind in ENUMS else Field.TYPE_MESSAGE
                made.type_name = f".inference.{kind}"
            else:
                made.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))


def test_its_configuration_is_what_triton_reads(tmp_path: Path) -> None:
    folder = bundled("triton", write_served_graph(tmp_path / "m.onnx"), tmp_path / "bundle")
    text = (folder / "a_net-1" / "config.pbtxt").read_text()
    config = text_format.Parse(text, config_class()())
    assert (config.name, config.backend) == ("a_net-1", "onnxruntime")
    (taken,), (given,) = config.input, config.output
    assert (taken.name, tuple(taken.dims)) == ("pixels", (3, FRAMES, SIZE, SIZE))
    assert (given.name, tuple(given.dims)) == ("logits", (len(LABELS),))
    assert taken.data_type == given.data_type == ENUMS["DataType"]["TYPE_FP32"]
    assert given.label_filename == "labels.txt"
    assert config.max_batch_size > 1
    assert config.dynamic_batching.max_queue_delay_microseconds > 0
    assert [group.count for group in config.instance_group] == [1]
    with pytest.raises(text_format.ParseError):
        text_format.Parse(text.replace("max_batch_size", "largest_batch"), config_class()())


def test_its_files_lie_where_triton_looks(tmp_path: Path) -> None:
    file = write_served_graph(tmp_path / "m.onnx")
    folder = bundled("triton", file, tmp_path / "bundle")
    assert (folder / "a_net-1" / "1" / "model.onnx").read_bytes() == file.read_bytes()
    assert (folder / "a_net-1" / "labels.txt").read_text().splitlines() == list(LABELS)
    assert sorted(each.name for each in folder.iterdir()) == [
        "a_net-1", "bundle.json", "compose.yaml", "kserve.yaml",
    ]  # fmt: skip
