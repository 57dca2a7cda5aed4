"""What the real server refuses: schemas, names, labels, fields that may not change, Pod Security, rights."""

import json
import re

import jsonschema
import referencing
from kubernetes_validate import utils

from refusal import Refusal

# The oldest and the newest version that the driver is for.
VERSIONS = ('1.33.0', '1.37.0')

# What the documentation of the driver says that its account needs. `{namespace}` is the only one.
RIGHTS = {
    'namespaces': {'get'},
    'statefulsets': {'get', 'list', 'create', 'patch', 'delete'},
    'persistentvolumeclaims': {'get', 'list', 'create', 'patch', 'delete'},
    'services': {'create', 'patch'},
    'secrets': {'create', 'patch', 'delete'},
    'pods': {'get', 'list', 'watch', 'create', 'delete'},
    'pods/log': {'get'},
    'events': {'list'},
}

LABEL_VALUE = re.compile(r'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
LABEL_NAME = re.compile(r'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
DNS_LABEL = re.compile(r'[a-z0-9]([-a-z0-9]*[a-z0-9])?')
DNS_SUBDOMAIN = re.compile(r'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
QUANTITY = re.compile(r'[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?')
MAY_CHANGE = {
    'statefulsets': {'replicas', 'ordinals', 'template', 'updateStrategy', 'minReadySeconds',
                     'persistentVolumeClaimRetentionPolicy', 'revisionHistoryLimit'},
    'persistentvolumeclaims': {'resources'},
    'pods': set(),
}


class Schemas:
    """Published schemas, in which unknown fields are refused."""

    def __init__(self):
        self.registries = {}
        self.validators = {}

    def check(self, obj):
        for version in VERSIONS:
            self.check_as(obj, obj.get('kind', ''), obj.get('apiVersion', ''), version)

    def check_as(self, obj, kind, api_version, version):
        problem = jsonschema.exceptions.best_match(
            self.validator(kind, api_version, version).iter_errors(obj))
        if problem is not None:
            where = '/'.join(str(part) for part in problem.absolute_path)
            raise Refusal(422, 'Invalid', f'{kind} of {version}: {where}: {problem.message}',
                          violation=True)

    def validator(self, kind, api_version, version):
        key = kind, api_version, version
        if key not in self.validators:
            directory = f'kubernetes-json-schema/v{version}-local-strict'
            if version not in self.registries:
                contents = utils.schema_contents(f'{directory}/_definitions.json', version)
                definitions = referencing.Resource.from_contents(contents)
                self.registries[version] = definitions @ referencing.Registry()
            group = re.sub(r'^([^./]*)(?:\.[^/]*)?/', r'\1-', api_version)
            try:
                schema = utils.schema_contents(f'{directory}/{kind.lower()}-{group}.json', version)
            except FileNotFoundError:
                raise Refusal(400, 'BadRequest', f'no kind {kind} in {api_version}',
                              violation=True) from None
            registry = referencing.Resource.from_contents(schema) @ self.registries[version]
            self.validators[key] = jsonschema.Draft202012Validator(schema, registry=registry)
        return self.validators[key]


def check_rights(resource, verb):
    if verb not in RIGHTS.get(resource, ()):
        raise Refusal(403, 'Forbidden', f'cannot {verb} resource "{resource}"', violation=True)


def check_meta(plural, obj):
    meta = obj.get('metadata', {})
    name = meta.get('name', '')
    # RFC 1035 for services: a letter first.
    right = (DNS_LABEL.fullmatch(name) and len(name) <= 63 and name[0].isalpha()
             if plural == 'services' else DNS_SUBDOMAIN.fullmatch(name) and len(name) <= 253)
    if not right:
        invalid(f'metadata.name: {name!r}')
    for key, value in (meta.get('labels') or {}).items():
        if not LABEL_NAME.fullmatch(key.split('/')[-1]) or len(key.split('/')[-1]) > 63:
            invalid(f'metadata.labels: name {key!r}')
        if not LABEL_VALUE.fullmatch(value) or len(value) > 63:
            invalid(f'metadata.labels: value {value!r}')
    for key in meta.get('annotations') or {}:
        if not LABEL_NAME.fullmatch(key.split('/')[-1]):
            invalid(f'metadata.annotations: {key!r}')


def check_content(plural, obj):
    spec = obj.get('spec', {})
    if plural == 'statefulsets':
        template = spec['template']
        check_meta(plural, {'metadata': {**template['metadata'], 'name': 'template'}})
        labels = template['metadata'].get('labels', {})
        wanted = spec['selector'].get('matchLabels') or {}
        if not wanted or any(labels.get(key) != value for key, value in wanted.items()):
            invalid('spec.template.metadata.labels: does not match spec.selector')
        if template['spec'].get('restartPolicy', 'Always') != 'Always':
            invalid('spec.template.spec.restartPolicy: must be Always')
        check_pod(template['spec'])
    if plural == 'pods':
        check_pod(spec)
    if plural == 'persistentvolumeclaims':
        if not spec.get('accessModes') or 'storage' not in spec.get('resources', {}).get('requests', {}):
            invalid('spec: access modes and a size are required')
        check_quantities(spec['resources'])
    if plural == 'secrets':
        for key in obj.get('data', {}):
            if not re.fullmatch(r'[-._a-zA-Z0-9]+', key):
                invalid(f'data: {key!r}')


def check_pod(spec):
    """Pod Security, the level `restricted`; and names and amounts."""
    pod = spec.get('securityContext', {})
    volumes = [volume['name'] for volume in spec.get('volumes', [])]
    for container in spec['containers']:
        own = container.get('securityContext', {})
        both = {**pod, **own}
        if (own.get('allowPrivilegeEscalation') is not False
                or own.get('privileged')
                or own.get('capabilities', {}).get('drop') != ['ALL']
                or both.get('runAsNonRoot') is not True
                or not both.get('runAsUser')
                or both.get('seccompProfile', {}).get('type') not in ('RuntimeDefault', 'Localhost')):
            raise Refusal(403, 'Forbidden', 'violates PodSecurity "restricted:latest"', violation=True)
        for mount in container.get('volumeMounts', []):
            if mount['name'] not in volumes:
                invalid(f'volumeMounts: {mount["name"]!r}')
        check_quantities(container.get('resources', {}))
    for key in ('hostNetwork', 'hostPID', 'hostIPC'):
        if spec.get(key):
            raise Refusal(403, 'Forbidden', 'violates PodSecurity "restricted:latest"', violation=True)


def check_quantities(resources):
    for amounts in (resources.get('limits', {}), resources.get('requests', {})):
        for name, amount in amounts.items():
            if not QUANTITY.fullmatch(str(amount)):
                invalid(f'resources: {name}: {amount!r}')
    for name, amount in resources.get('requests', {}).items():
        limit = resources.get('limits', {}).get(name)
        if limit is not None and quantity(amount) > quantity(limit):
            invalid(f'resources.requests: {name}: must be at most its limit')


def quantity(text):
    number, unit = re.fullmatch(r'([0-9.]+)(.*)', str(text)).groups()
    units = {'': 1, 'm': 0.001, 'k': 1e3, 'M': 1e6, 'G': 1e9, 'T': 1e12,
             'Ki': 2**10, 'Mi': 2**20, 'Gi': 2**30, 'Ti': 2**40}
    return float(number) * units[unit]


def check_update(plural, before, after):
    may_change = MAY_CHANGE.get(plural)
    if may_change is not None:
        old, new = before.get('spec', {}), after.get('spec', {})
        for field in old.keys() | new.keys():
            if field not in may_change and old.get(field) != new.get(field):
                invalid(f'spec.{field}: Forbidden: may not change')
    if plural == 'services' and before['spec'].get('clusterIP') != after['spec'].get('clusterIP'):
        invalid('spec.clusterIP: field is immutable')
    if plural == 'secrets' and before.get('type') != after.get('type'):
        invalid('type: field is immutable')
    for field in ('uid', 'name', 'namespace', 'creationTimestamp'):
        if before['metadata'].get(field) != after['metadata'].get(field):
            invalid(f'metadata.{field}: field is immutable')


def invalid(message):
    raise Refusal(422, 'Invalid', message, violation=True)


def parse(body):
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refusal(400, 'BadRequest', 'the body is no object', violation=True)
    return parsed
