"""A cluster of one namespace and one node, for the tests of one driver.

Reads what it is to have from one line of JSON, `{"root", "namespace", "images": {reference: [program, ...]}}`, writes its
port, and ends with its standard input. Requests that no driver may send are in the file `violations` of its root.
"""

import asyncio
import json
import os
import sys

import kmock

from node import Node
from objects import Objects
from server import Cluster


async def main():
    told = json.loads(sys.stdin.readline())
    root = told['root']
    for directory in ('logs', 'ports', 'volumes'):
        os.makedirs(os.path.join(root, directory), exist_ok=True)
    objects = Objects(told['namespace'])
    node = Node(objects, root, told['images'])
    cluster = Cluster(objects, node, os.path.join(root, 'violations'))
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(node.run())
    try:
        async with cluster, kmock.Server(cluster) as server:
            print(server.port, flush=True)
            ended = loop.run_in_executor(None, sys.stdin.read)
            await asyncio.wait([ended, running], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            # Connections that are still open are not waited for.
            node.stop()
            os._exit(0)
    finally:
        node.stop()


asyncio.run(main())
