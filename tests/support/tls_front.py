"""TLS in front of a plain server on this machine: tls_front.py CERTIFICATE KEY PORT FILE. Its own port gets into the file."""

import os
import socket
import ssl
import sys
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])


def pass_on(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client):
    try:
        client = context.wrap_socket(client, server_side=True)
        server = socket.create_connection(("127.0.0.1", int(sys.argv[3])))
    except OSError:
        return
    threading.Thread(target=pass_on, args=(client, server), daemon=True).start()
    pass_on(server, client)
    client.close()


listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[4] + ".new", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.replace(sys.argv[4] + ".new", sys.argv[4])
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
