package tfevents

import (
	"maps"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of the plugin hparams that are written (tensorboard/plugins/hparams/plugin_data.proto, google/protobuf/struct.proto,
// tensorflow/core/framework/summary.proto and tensor.proto).
const (
	valueTensor   = 8
	valueMetadata = 9

	metadataPlugin = 1 // SummaryMetadata.plugin_data
	pluginName     = 1
	pluginContent  = 2

	sessionStartInfo = 3 // of HParamsPluginData
	sessionEndInfo   = 4
	startHParams     = 1
	startTime        = 5
	endStatus        = 1
	endTime          = 2

	mapKey, mapValue        = 1, 2
	structNumber, structStr = 2, 3
	structBool              = 4
)

// noTensor is an empty float TensorProto: these summaries have their content in the metadata.
const noTensor = "\x08\x01\x12\x02\x12\x00"

// A Status says how a session ended.
type Status uint64

// The statuses of the plugin.
const (
	Success Status = 1
	Failure Status = 2
)

// HParams records the hyperparameters of the run, which starts now: TensorBoard's plugin of that name compares runs by them.
// A value is a float64, a bool or a string; others are left out.
func (w *Writer) HParams(values map[string]any) error {
	var info []byte
	for _, name := range slices.Sorted(maps.Keys(values)) {
		var v []byte
		switch x := values[name].(type) {
		case float64:
			v = protowire.AppendTag(v, structNumber, protowire.Fixed64Type)
			v = protowire.AppendFixed64(v, math.Float64bits(x))
		case bool:
			v = protowire.AppendTag(v, structBool, protowire.VarintType)
			v = protowire.AppendVarint(v, protowire.EncodeBool(x))
		case string:
			v = protowire.AppendTag(v, structStr, protowire.BytesType)
			v = protowire.AppendString(v, x)
		default:
			continue
		}
		var entry []byte
		entry = protowire.AppendTag(entry, mapKey, protowire.BytesType)
		entry = protowire.AppendString(entry, name)
		entry = protowire.AppendTag(entry, mapValue, protowire.BytesType)
		entry = protowire.AppendBytes(entry, v)
		info = protowire.AppendTag(info, startHParams, protowire.BytesType)
		info = protowire.AppendBytes(info, entry)
	}
	return w.session("_hparams_/session_start_info", sessionStartInfo, appendTime(info, startTime, now()))
}

// End records that the session that HParams began has ended.
func (w *Writer) End(s Status) error {
	var info []byte
	info = protowire.AppendTag(info, endStatus, protowire.VarintType)
	info = protowire.AppendVarint(info, uint64(s))
	return w.session("_hparams_/session_end_info", sessionEndInfo, appendTime(info, endTime, now()))
}

// appendTime appends a field of seconds since 1970.
func appendTime(b []byte, field protowire.Number, t time.Time) []byte {
	b = protowire.AppendTag(b, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, math.Float64bits(float64(t.UnixMicro())/1e6))
}

// session records a message of the plugin.
func (w *Writer) session(tag string, field protowire.Number, info []byte) error {
	var content, plugin, metadata, v []byte
	content = protowire.AppendTag(content, field, protowire.BytesType)
	content = protowire.AppendBytes(content, info)
	plugin = protowire.AppendTag(plugin, pluginName, protowire.BytesType)
	plugin = protowire.AppendString(plugin, "hparams")
	plugin = protowire.AppendTag(plugin, pluginContent, protowire.BytesType)
	plugin = protowire.AppendBytes(plugin, content)
	metadata = protowire.AppendTag(metadata, metadataPlugin, protowire.BytesType)
	metadata = protowire.AppendBytes(metadata, plugin)
	v = protowire.AppendTag(v, valueTag, protowire.BytesType)
	v = protowire.AppendString(v, tag)
	v = protowire.AppendTag(v, valueTensor, protowire.BytesType)
	v = protowire.AppendString(v, noTensor)
	v = protowire.AppendTag(v, valueMetadata, protowire.BytesType)
	v = protowire.AppendBytes(v, metadata)
	return w.summary(0, v)
}
