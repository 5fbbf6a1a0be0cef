// The service behind grpc.yaml: it has no session, no cookie and no secret; it reads metadata.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const file = fileURLToPath(new URL("greeter.proto", import.meta.url));
const { greeter } = grpc.loadPackageDefinition(loader.loadSync(file));

function greeting(call) {
  const [user] = call.metadata.get("x-session-user");
  return { text: user ? `Hello ${decodeURIComponent(user)}` : "Who are you?" };
}

const server = new grpc.Server();
server.addService(greeter.Greeter.service, {
  Greet: (call, answer) => answer(null, greeting(call)),
  Count: (call) => {
    for (let i = 0; i < call.request.times; ++i) call.write(greeting(call));
    call.end();
  },
});
server.bindAsync(`127.0.0.1:${process.env.PORT ?? 50051}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
