import { fuzzStreams } from "./fuzz-streams.ts";

fuzzStreams(1);
