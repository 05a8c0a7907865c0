package table

import (
	"bytes"
	"path/filepath"
	"strings"
)

// foreign returns how a file of another program is made into one that can be read; "" =
// it is none that is known.
func foreign(path string, head []byte) string {
	name := filepath.Base(path)
	base := strings.TrimSuffix(name, filepath.Ext(name))
	pandas := func(read string) string {
		return "write it as CSV, with pandas: pd." + read + "(\"" + name + "\").to_csv(\"" + base + ".csv\", index=False)"
	}
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case begins("PAR1"):
		return "a Parquet file: write it as CSV, with DuckDB: COPY '" + name + "' TO '" + base + ".csv'"
	case begins("ARROW1"), begins("FEA1"):
		return "a Feather file: " + pandas("read_feather")
	case ext == ".xlsx" && begins("PK"), begins("\xd0\xcf\x11\xe0"):
		return "an Excel file: save it as CSV UTF-8 in Excel, or " + pandas("read_excel")
	case begins("\x89HDF\r\n\x1a\n"):
		return "an HDF5 file: write its arrays to an NPZ file, with NumPy: np.savez(\"" + base + ".npz\", x=...)"
	case begins("SQLite format 3\x00"):
		return "an SQLite file: write a table of it as CSV: sqlite3 -header -csv '" + name + "' \"SELECT * FROM ...\""
	case begins("MATLAB 5.0"):
		return "a MATLAB file: write its arrays to an NPZ file, with SciPy: np.savez(\"" + base + ".npz\", x=scipy.io.loadmat(\"" + name + "\")[\"...\"])"
	case (ext == ".pkl" || ext == ".pickle") && begins("\x80"):
		return "a Python pickle, which may run any program when it is read: write its arrays to an NPZ file, np.savez(\"" + base + ".npz\", x=...)"
	case (ext == ".jsonl" || ext == ".ndjson" || ext == ".json") && (begins("{") || begins("[")):
		return "a JSON file: " + pandas("read_json")
	}
	return ""
}
