#!/usr/bin/env python3
"""The decoding lines of the documents, executed in their languages with what a backend gets from Keepsake.
    decoding_test.py [CLASS[.test]...]"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from documents import RawBackend, decoding_lines  # noqa: E402

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers:
    X-Session-Name: myName
    X-Session-Shown: {key: myName, encoding: display_string}
    X-Session-Plain: {key: myName, encoding: raw}
    X-Session-Coded: {key: myName, encoding: base64}
    X-Session-All: {all: json}
    X-Session-Id: {id: true}
log: {access: false}
"""

NAMES = ["Alice", "Zoë 🎉", "a  b", "100% +1", '"quoted" \\ and \'single\'', "日本語", "a&b=c;d,e", "~!@#$^*()[]{}<>?/:.`|",
         "%41%zz", "\u00a0\u2028\ufeffx", "ÿ\u0085", "é" * 100]
EDGES = [" lead", "trail ", "  "]  # which no header keeps as they are

# Each program gets lines of JSON, {"encoding": ..., "headers": {name: hexadecimal bytes}}, and prints the text that the
# documented line gives as hexadecimal UTF-8. It offers the headers as the servers of its language do. "readme" is the
# line of the README's table, an expression but for Go's.
PYTHON = """
import base64, json, sys, types, urllib.parse
for text in sys.stdin:
    case = json.loads(text)
    values = {k.title(): bytes.fromhex(v).decode("latin-1") for k, v in case["headers"].items()}
    request = types.SimpleNamespace(headers=values)
    def run(encoding):
BRANCHES
        return name
    print(run(case["encoding"]).encode().hex(), flush=True)
"""
NODE = """
for (const text of require("fs").readFileSync(0, "utf8").split("\\n").filter(Boolean)) {
  const given = JSON.parse(text), req = {headers: {}};
  for (const [k, v] of Object.entries(given.headers)) req.headers[k] = Buffer.from(v, "hex").toString("latin1");
  let name;
BRANCHES
  console.log(Buffer.from(name).toString("hex"));
}
"""
GO = """
package main

import ("bufio"; "encoding/base64"; "encoding/hex"; "encoding/json"; "fmt"; "net/http"; "net/url"; "os"; "strings")

var _ = strings.Trim

func main() {
  lines := bufio.NewScanner(os.Stdin)
  lines.Buffer(make([]byte, 1<<20), 1<<20)
  for lines.Scan() {
    var given struct { Encoding string; Headers map[string]string }
    json.Unmarshal(lines.Bytes(), &given)
    r := &http.Request{Header: http.Header{}}
    for k, v := range given.Headers { bytes, _ := hex.DecodeString(v); r.Header.Set(k, string(bytes)) }
    name, decoded := "", ""
BRANCHES
    fmt.Println(hex.EncodeToString([]byte(decoded)))
  }
}
var _ = base64.StdEncoding
var _ = url.PathUnescape
"""
PHP = """<?php
while (($text = fgets(STDIN)) !== false) {
  $given = json_decode($text, true);
  $_SERVER = [];
  foreach ($given["headers"] as $k => $v) $_SERVER["HTTP_" . strtoupper(strtr($k, "-", "_"))] = hex2bin($v);
BRANCHES
  echo bin2hex($name), "\\n";
}
"""
RUBY = """
require "json"
require "uri"
STDIN.each_line do |text|
  given = JSON.parse(text)
  env = given["headers"].to_h { |k, v| ["HTTP_" + k.upcase.tr("-", "_"), [v].pack("H*")] }
  request = Struct.new(:env).new(env)
  name = nil
BRANCHES
  raise "not UTF-8" unless name.empty? || (name.encoding == Encoding::UTF_8 && name.valid_encoding?)
  puts name.unpack1("H*")
end
"""
JAVA = """
import static java.nio.charset.StandardCharsets.*;
import java.net.URLDecoder;
import java.util.*;

public class Decode {
  record Request(Map<String, String> headers) {
    String getHeader(String name) { return headers.get(name.toLowerCase()); }
  }
  public static void main(String[] arguments) {
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      String text = lines.nextLine();
      Map<String, String> headers = new HashMap<>();
      var pair = java.util.regex.Pattern.compile("\\"(x-[a-z-]+)\\": \\"([0-9a-f]*)\\"").matcher(text);
      while (pair.find()) {
        headers.put(pair.group(1), new String(HexFormat.of().parseHex(pair.group(2)), ISO_8859_1));
      }
      Request request = new Request(headers);
      String name = null;
BRANCHES
      System.out.println(HexFormat.of().formatHex(name.getBytes(UTF_8)));
    }
  }
}
"""


README = {
    "Python": "name = {}", "Node": "name = {};", "Go": "{}", "PHP": "$name = {};", "Ruby": "name = {}", "Java": "name = {};",
}


def readme_line(language):
    """The line of the README's table as a statement."""
    table = dict(re.findall(r"^\| (\w+) \| `(.*)` \|$", (support.ROOT / "README.md").read_text(), re.M))
    if set(table) != set(README):
        raise AssertionError(f"the README has lines for {sorted(table)}")
    return README[language].format(table[language])


class Decoding(support.TestCase):
    def setUp(self):
        super().setUp()
        self.backend = RawBackend()
        self.addCleanup(self.backend.close)
        self.keepsake = self.start(CONFIG.replace("BACKEND", str(self.backend.port)))

    def received(self, name):
        """What the backend gets of a visitor with this name; of one without."""
        cookie = {}
        if name is not None:
            answer = support.request(self.keepsake.port, "/setName", "POST", urllib.parse.urlencode({"name": name}),
                                     {"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual(answer.status, 303)
            cookie = {"Cookie": answer.cookie()}
        self.assertEqual(support.request(self.keepsake.port, "/", headers=cookie).status, 200)
        return {k: v for k, v in self.backend.headers().items() if k.startswith("x-session-")}

    def decode(self, language, title, source, form, *command, file):
        """Every line for that language of the guide and of the README, in one program."""
        lines = decoding_lines(language)
        self.assertEqual(set(lines) | {"all: json"}, {"percent", "display_string", "raw", "base64", "all: json"})
        lines["readme"] = readme_line(title)
        branches = "\n".join(form.format(encoding=encoding, line=line) for encoding, line in lines.items())
        program = self.write(source.replace("BRANCHES", branches), file)
        cases = [(encoding, name, {k: v.hex() for k, v in self.received(name).items()})
                 for name in [*NAMES, *EDGES, None] for encoding in lines
                 if not (encoding == "raw" and name in EDGES)]
        given = "".join(json.dumps({"encoding": encoding, "headers": headers}) + "\n" for encoding, _, headers in cases)
        done = subprocess.run([*command, program], input=given, capture_output=True, text=True, timeout=120, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = done.stdout.splitlines()
        self.assertEqual(len(answers), len(cases), done.stdout)
        for (encoding, name, headers), answer in zip(cases, answers):
            with self.subTest(encoding=encoding, name=name, headers=headers):
                self.assertEqual(bytes.fromhex(answer).decode(), name or "")

    def command(self, name):
        if not shutil.which(name):
            self.skipTest(f"{name} is not installed")
        return name

    def test_python(self):
        self.decode("python", "Python", PYTHON, '        if encoding == "{encoding}":\n            {line}', sys.executable,
                    file="decode.py")

    def test_node(self):
        self.decode("javascript", "Node", NODE, '  if (given.encoding === "{encoding}") {{ {line} }}', self.command("node"),
                    file="decode.js")

    def test_go(self):
        self.decode("go", "Go", GO, '    if given.Encoding == "{encoding}" {{ {line}; decoded = name }}', self.command("go"), "run",
                    file="decode.go")

    def test_php(self):
        self.decode("php", "PHP", PHP, '  if ($given["encoding"] === "{encoding}") {{ {line} }}', self.command("php"), "-n",
                    file="decode.php")

    def test_ruby(self):
        self.decode("ruby", "Ruby", RUBY, '  if given["encoding"] == "{encoding}" then {line} end', self.command("ruby"),
                    file="decode.rb")

    def test_java(self):
        self.decode("java", "Java", JAVA, '      if (text.contains("\\"{encoding}\\"")) {{ {line} }}', self.command("java"),
                    file="Decode.java")

    def test_the_id_is_64_digits_that_stay(self):
        first, second = self.received("Alice"), self.received("Alice")
        self.assertRegex(first["x-session-id"], rb"\A[0-9a-f]{64}\Z")
        self.assertNotEqual(first["x-session-id"], second["x-session-id"])


if __name__ == "__main__":
    import runner
    sys.argv[1:] = [f"decoding_test.{name}" for name in sys.argv[1:]] or ["decoding_test"]
    runner.main()
