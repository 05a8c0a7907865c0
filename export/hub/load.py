import json, pathlib, torch

f = open(pathlib.Path(__file__).with_name("model.safetensors"), "rb")
header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
data = torch.frombuffer(bytearray(f.read()), dtype=torch.float32)
weights = {k: data[t["data_offsets"][0] // 4:t["data_offsets"][1] // 4].view(t["shape"])
           for k, t in header.items() if k != "__metadata__"}

def run(net, **v):
    for name, op, *args in json.load(open(pathlib.Path(__file__).with_name("layers.json")))[net]:
        v[name] = getattr(torch.ops.aten, op)(*[v[a] if isinstance(a, str) else a for a in args])
    return v
