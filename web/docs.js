// docs.js -- shows the document of the API: with Swagger UI where the build has it, else as a list.
// SPDX: Apache-2.0
// Requests go to the server that the page comes from. A token stays in this page's memory.
'use strict';

let token = '';

async function load() {
  const answer = await fetch(`openapi.json${location.search}`, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
  const body = await answer.json();
  return { status: answer.status, body };
}

// The page may lie below a path of some proxy's.
const here = () => new URL('.', location.href).href.replace(/\/$/, '');

function browse(spec) {
  const ui = SwaggerUIBundle({
    spec: { ...spec, servers: [{ url: here() }] },
    domNode: document.getElementById('api'),
    deepLinking: false,
    tryItOutEnabled: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    onComplete: () => { if (token) ui.preauthorizeApiKey('bearer', token); },
  });
}

function element(name, text, ...children) {
  const e = document.createElement(name);
  if (text) e.textContent = text;
  e.append(...children);
  return e;
}

// Without Swagger UI: every operation, with a field for its path and body.
function operation(method, path, o) {
  const target = element('input');
  target.value = path;
  target.size = 60;
  const body = element('textarea');
  const send = element('button', 'Send');
  const shown = element('pre');
  send.onclick = async () => {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    if (o.requestBody) headers['Content-Type'] = 'application/json';
    const answer = await fetch(here() + target.value, { method: method.toUpperCase(), headers, body: o.requestBody ? body.value : undefined });
    shown.textContent = `${answer.status}\n${await answer.text()}`;
  };
  const form = element('p', '', target, ' ', send);
  return element('details', '', element('summary', '', element('code', `${method.toUpperCase()} ${path}`), ` ${o.summary ?? ''}`),
    element('p', o.description), form, ...(o.requestBody ? [body] : []), shown);
}

function list(spec) {
  const all = element('div', '', element('h1', `${spec.info.title} ${spec.info.version}`));
  all.className = 'list';
  for (const [path, methods] of Object.entries(spec.paths))
    for (const [method, o] of Object.entries(methods)) all.append(operation(method, path, o));
  document.getElementById('api').replaceChildren(all);
}

const form = document.getElementById('token');

async function show() {
  const { status, body } = await load();
  form.hidden = status === 200 && !body.components.securitySchemes;
  form.querySelector('output').textContent = status === 200 ? '' : ` ${body.error ?? status}`;
  if (status !== 200) return;
  document.title = body.info.title;
  (typeof SwaggerUIBundle === 'undefined' ? list : browse)(body);
}

form.onsubmit = (event) => {
  event.preventDefault();
  token = form.querySelector('input').value.trim();
  show();
};

show();
