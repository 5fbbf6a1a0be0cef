"""A gRPC service without generated code: messages are bytes. Python's own gRPC serves it; what it does is told by its
method's name. And a service of gRPC-Web on HTTP/1.1."""

import concurrent.futures
import queue
import threading

import grpc

import support

LARGE = 4 << 20
OPTIONS = [("grpc.max_receive_message_length", 2 * LARGE), ("grpc.max_send_message_length", 2 * LARGE)]

# grpc.health.v1: {status: SERVING}; grpc.reflection.v1alpha: {list_services: ""} and its answer, one service.
SERVING = b"\x08\x01"
LIST_SERVICES = b"\x3a\x00"
SERVICES = b"\x32\x0e\x0a\x0c\x0a\x0atest.Tests"


class Service:
    """`waits` is set when a call waits, `cancelled` when one has learned that its client gave up; `go` lets one go on."""

    def __init__(self, port=0):
        self.waits, self.cancelled, self.go = threading.Event(), threading.Event(), threading.Event()
        self.metadata = queue.Queue()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(120), options=OPTIONS)
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Tests", {
            "Echo": grpc.unary_unary_rpc_method_handler(self.echo),
            "Refuse": grpc.unary_unary_rpc_method_handler(self.refuse),
            "Wait": grpc.unary_unary_rpc_method_handler(self.wait),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Join": grpc.stream_unary_rpc_method_handler(self.join),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
        }), grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
            "Check": grpc.unary_unary_rpc_method_handler(lambda message, context: SERVING),
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch),
        }), grpc.method_handlers_generic_handler("grpc.reflection.v1alpha.ServerReflection", {
            "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(self.reflect),
        })))
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def close(self):
        self.go.set()
        self.server.stop(None)

    def echo(self, message, context):
        """Metadata comes back in the trailers."""
        sent = dict(context.invocation_metadata())
        self.metadata.put(sent)
        context.send_initial_metadata((("first", "1"),))
        context.set_trailing_metadata([(name, sent[name]) for name in ("who", "raw-bin") if name in sent])
        return message

    def refuse(self, message, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "100% schön")

    def wait(self, message, context):
        context.add_callback(self.cancelled.set)
        self.waits.set()
        self.go.wait(support.PATIENCE)
        return message

    def count(self, message, context):
        """To the number in the message; "3!" breaks off after three, "3?" waits after three until `go`."""
        context.add_callback(self.cancelled.set)
        for number in range(int(message.rstrip(b"!?"))):
            yield b"%d" % number
        if message.endswith(b"!"):
            context.abort(grpc.StatusCode.DATA_LOSS, "lost")
        if message.endswith(b"?"):
            self.waits.set()
            self.go.wait(support.PATIENCE)
            yield b"gone on"

    def join(self, messages, context):
        return b"".join(messages)

    def chat(self, messages, context):
        for message in messages:
            yield b"you said " + message

    def watch(self, message, context):
        yield SERVING
        self.waits.set()
        self.go.wait(support.PATIENCE)

    def reflect(self, messages, context):
        for message in messages:
            yield SERVICES if message == LIST_SERVICES else b""


class Calls:
    """A client's channel to `port`, and its calls by name."""

    def __init__(self, port):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", OPTIONS + [("grpc.use_local_subchannel_pool", 1)])
        self.echo = self.channel.unary_unary("/test.Tests/Echo")
        self.refuse = self.channel.unary_unary("/test.Tests/Refuse")
        self.wait = self.channel.unary_unary("/test.Tests/Wait")
        self.count = self.channel.unary_stream("/test.Tests/Count")
        self.join = self.channel.stream_unary("/test.Tests/Join")
        self.chat = self.channel.stream_stream("/test.Tests/Chat")
        self.private = self.channel.unary_unary("/test.Private/Get")
        self.seldom = self.channel.unary_unary("/test.Seldom/Get")
        self.nowhere = self.channel.unary_unary("/test.Nowhere/Get")
        self.check = self.channel.unary_unary("/grpc.health.v1.Health/Check")
        self.watch = self.channel.unary_stream("/grpc.health.v1.Health/Watch")
        self.reflect = self.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")


class WebService(support.Service):
    """gRPC-Web: each message of the request comes back, then the trailers as a frame of the body."""

    def __init__(self):
        super().__init__()

        def do_POST(request):
            body = request.rfile.read(int(request.headers["Content-Length"]))
            trailers = f"grpc-status: 0\r\nwho: {request.headers.get('X-Session-User', 'nobody')}\r\n".encode()
            request.say(body + b"\x80" + len(trailers).to_bytes(4, "big") + trailers,
                        headers=[("Content-Type", "application/grpc-web+proto")])
        self.server.RequestHandlerClass.do_POST = do_POST

    def answer(self, request):
        request.say(b"", 405)
