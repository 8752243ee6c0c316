// Calls the example `greeter` with connect-node in every protocol it speaks:
// check.js URL PROTOSET
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";

const [baseUrl, protoset] = process.argv.slice(2);
const files = fromBinary(FileDescriptorSetSchema, readFileSync(protoset));
const greeter = createFileRegistry(files).getService("hello.v1.Greeter");

const names = ["Ada", "Grace"];
async function* greetings() {
  for (const name of names) yield { name };
}
async function messages(replies) {
  const all = [];
  for await (const reply of replies) all.push(reply.message);
  return all;
}

const checks = {
  unary: async (client) => [(await client.sayHello({ name: "Ada" })).message, "Hello, Ada!"],
  "server streaming": async (client) => {
    const all = await messages(client.lotsOfReplies({ name: "Ada" }));
    return [[all.length > 1, all.every((one) => one.includes("Ada"))], [true, true]];
  },
  "client streaming": async (client) => {
    const { message } = await client.lotsOfGreetings(greetings());
    return [names.every((name) => message.includes(name)), true];
  },
  bidirectional: async (client) => {
    const all = await messages(client.bidiHello(greetings()));
    return [all.length, names.length];
  },
  error: async (client) => {
    const error = await client.sayHello({ name: "" }).catch(ConnectError.from);
    return [error.code, Code.InvalidArgument];
  },
};

const transports = [];
for (const httpVersion of ["1.1", "2"]) {
  for (const useBinaryFormat of [true, false]) {
    const options = { baseUrl, httpVersion, useBinaryFormat };
    const kinds = [
      ["connect", createConnectTransport],
      ["grpc-web", createGrpcWebTransport],
      ...(httpVersion === "2" ? [["grpc", createGrpcTransport]] : []),
    ];
    for (const [name, create] of kinds) {
      const written = useBinaryFormat ? "proto" : "json";
      transports.push([`${name} ${written} HTTP/${httpVersion}`, create(options)]);
    }
  }
}

let passed = 0;
let failed = 0;
for (const [transport, made] of transports) {
  const client = createClient(greeter, made);
  for (const [check, run] of Object.entries(checks)) {
    let got, wanted;
    try {
      [got, wanted] = await run(client);
    } catch (error) {
      got = String(error);
    }
    if (wanted !== undefined && isDeepStrictEqual(got, wanted)) {
      passed += 1;
      console.log(`ok     ${transport} ${check}`);
    } else {
      failed += 1;
      console.log(`FAILED ${transport} ${check}: got ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
