import { useEffect, useState } from "preact/hooks";
import { get, type RunSummary } from "../api";

export default function Runs() {
  const [runs, setRuns] = useState<RunSummary[]>([]);
  useEffect(() => { void get<RunSummary[]>("runs").then(setRuns); }, []);
  return <ul>{runs.map((r) => <li key={r.id}>{r.id}</li>)}</ul>;
}
