#!/usr/bin/env python3
"""The sealed cookie format once more, in Python: writes sealed.txt beside it.

The vectors are a promise: cookies written by one version of Keepsake open in every later one. They come
from this second implementation so that the C++ code cannot agree with itself by mistake. Run it only to
add cases (needs the Python package `cryptography`, Debian: python3-cryptography):

    tests/session/vectors/sealed_reference.py > tests/session/vectors/sealed.txt
"""

import base64
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def xaes_seal(key, nonce, plain, aad):
    def aes(block):
        return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)

    doubled = int.from_bytes(aes(bytes(16)), "big") << 1
    if doubled >> 128:
        doubled = (doubled & (1 << 128) - 1) ^ 0x87
    subkey = doubled.to_bytes(16, "big")
    derived = b""
    for counter in (b"\x00\x01X\x00", b"\x00\x02X\x00"):
        derived += aes(bytes(a ^ b for a, b in zip(counter + nonce[:12], subkey)))
    return AESGCM(derived).encrypt(nonce[12:], plain, aad)


def hkdf(secret, info, size):
    return HKDF(SHA256(), size, None, info).derive(secret)


def cookie(secret, name, binding, nonce, ident, created, touched, pairs, lifetime=None, device=None):
    flags = (lifetime is not None) | (device is not None) << 1
    plain = (b"\x02" if flags else b"\x01") + ident + created.to_bytes(5, "big") + touched.to_bytes(5, "big")
    if flags:
        plain += bytes([flags])
    if lifetime is not None:
        plain += struct.pack(">I", lifetime)
    plain += device or b""
    for key, value in sorted((k.encode(), v.encode()) for k, v in pairs):
        plain += bytes([len(key)]) + key + struct.pack(">H", len(value)) + value
    plain += bytes(-len(plain) % 32)
    aad = b"keepsake sealed v1\x00" + name + (b"\x00" + binding if binding else b"")
    sealed = xaes_seal(hkdf(secret, b"keepsake sealed v1 key", 32), nonce, plain, aad)
    whole = b"\x01" + hkdf(secret, b"keepsake sealed v1 id", 4) + nonce + sealed
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


A = "first-secret-for-tests-0123456789abcdef"
B = "second-secret-for-tests-fedcba9876543210"
COUNTING = bytes(range(24))
ID = bytes(range(0xA0, 0xB0))
LAST = 2**40 - 1
DEVICE = bytes(range(0xC0, 0xD0))

CASES = [
    ("nobody yet", A, "session", "", COUNTING, ID, 1700000000, 1700000000, []),
    ("one name", A, "session", "", COUNTING, ID, 1700000000, 1700000060, [("myName", "Alice")]),
    ("any language", A, "session", "", COUNTING, ID, 1700000000, 1700000060, [("myName", "Zoë 🎉")]),
    ("another secret", B, "session", "", COUNTING, ID, 1700000000, 1700000060, [("myName", "Alice")]),
    ("another cookie name", A, "__Host-id", "", COUNTING, ID, 1700000000, 1700000060, [("myName", "Alice")]),
    ("bound to a host", A, "session", "shop.example", COUNTING, ID, 1700000000, 1700000060, [("myName", "Alice")]),
    ("another nonce", A, "session", "", b"ABCDEFGHIJKLMNOPQRSTUVWX", ID, 1700000000, 1700000060, [("myName", "Alice")]),
    ("five values", A, "session", "", COUNTING, bytes(16), 1700000000, 1702678400,
     [("cart", "3"), ("lang", "de"), ("myName", "Alice"), ("plan", "gold plus"), ("theme", "dark")]),
    ("exactly two blocks", A, "session", "", COUNTING, ID, 1700000000, 1700000060, [("k", "x" * 33)]),
    ("one byte more than two blocks", A, "session", "", COUNTING, ID, 1700000000, 1700000060, [("k", "x" * 34)]),
    ("the ends of what fits", A, "session", "", COUNTING, ID, 0, LAST, [("k" * 255, "v" * 1000), ("z", "")]),
]

# With flags: as above, then the lifetime and the id that binds the session to a device.
FLAGGED = [
    ("thirty days", A, "session", "", COUNTING, ID, 1700000000, 1700000060, [("myName", "Alice")], 2592000, None),
    ("until the browser closes", A, "session", "", COUNTING, ID, 1700000000, 1700000060, [("myName", "Alice")], 0, None),
    ("bound to a device", A, "session", "", COUNTING, ID, 1700000000, 1700000060, [("myName", "Alice")], None, DEVICE),
    ("both", A, "session", "shop.example", COUNTING, ID, 1700000000, 1700000060, [], 2**32 - 1, DEVICE),
]


def main():
    print("# Written by sealed_reference.py. Never change a case: deployed cookies depend on it.")
    for case in [(*case, None, None) for case in CASES] + FLAGGED:
        title, secret, name, binding, nonce, ident, created, touched, pairs, lifetime, device = case
        print(f"\ncase: {title}\nsecret: {secret}\nname: {name}")
        if binding:
            print(f"binding: {binding}")
        print(f"nonce: {nonce.hex()}\nid: {ident.hex()}\ncreated: {created}\ntouched: {touched}")
        for key, value in pairs:
            print(f"pair: {key}={value}")
        if lifetime is not None:
            print(f"lifetime: {lifetime}")
        if device is not None:
            print(f"device: {device.hex()}")
        text = cookie(secret.encode(), name.encode(), binding.encode(), nonce, ident, created, touched, pairs, lifetime, device)
        print(f"cookie: {text}")


if __name__ == "__main__":
    main()
