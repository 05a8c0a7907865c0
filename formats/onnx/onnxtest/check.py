"""Checks ONNX models, whose files are the arguments, in full mode, and that each node has a known shape."""
import sys

import onnx
from onnx import checker, shape_inference

for name in sys.argv[1:]:
    model = onnx.load(name)
    try:
        checker.check_model(model, full_check=True)
        inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
        known = {v.name for v in list(inferred.value_info) + list(inferred.output) if v.type.tensor_type.HasField("shape")}
        for node in inferred.node:
            for out in node.output:
                if out not in known:
                    raise ValueError(f"no shape is inferred for {out}")
    except Exception as e:
        sys.exit(f"{name}: {e}")
