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
			v = appendBytes(v, structStr, x)
		default:
			continue
		}
		var entry []byte
		entry = appendBytes(entry, mapKey, name)
		entry = appendBytes(entry, mapValue, v)
		info = appendBytes(info, startHParams, entry)
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
	content = appendBytes(content, field, info)
	plugin = appendBytes(plugin, pluginName, "hparams")
	plugin = appendBytes(plugin, pluginContent, content)
	metadata = appendBytes(metadata, metadataPlugin, plugin)
	v = appendBytes(v, valueTag, tag)
	v = appendBytes(v, valueTensor, noTensor)
	v = appendBytes(v, valueMetadata, metadata)
	return w.summary(0, v)
}
