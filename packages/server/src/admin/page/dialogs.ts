// What the page asks the reader: the token, and which prefix is to be invalidated; and its help. Knows forms, and whom
// to tell what was entered.
import { byId, setText } from './dom.ts'
import { invalidate, Refusal, useToken } from './server.ts'

export function openHelp(): void {
  byId<HTMLDialogElement>('help').showModal()
}

/** `entered` is told when there is a token to try. */
export function prepareDialogs(entered: () => void): void {
  for (const dialog of document.querySelectorAll('dialog')) {
    for (const button of dialog.querySelectorAll('[data-close]')) {
      button.addEventListener('click', () => dialog.close())
    }
    // A click beside it.
    dialog.addEventListener('click', ({ target }) => {
      if (target === dialog) dialog.close()
    })
  }
  onSubmit('token', (form) => {
    useToken(field(form, 'token').value.trim())
    field(form, 'token').value = ''
    form.closest('dialog')?.close()
    entered()
  })
  onSubmit('invalidate', async (form) => {
    const said = byId('invalidate-said')
    const prefix = field(form, 'prefix').value
    const given = field(form, 'token').value.trim()
    if (given !== '') useToken(given)
    setText(said, '…')
    said.className = ''
    try {
      await invalidate(prefix)
      setText(said, `Everything under “${prefix}” is gone.`)
      field(form, 'token').value = ''
      entered()
    } catch (error) {
      said.className = 'down'
      setText(said, error instanceof Refusal ? error.message : 'the server does not answer')
    }
  })
}

export function openToken(): void {
  byId<HTMLDialogElement>('token').showModal()
}

export function openInvalidate(): void {
  setText(byId('invalidate-said'), '')
  byId<HTMLDialogElement>('invalidate').showModal()
}

function onSubmit(id: string, act: (form: HTMLFormElement) => void | Promise<void>): void {
  const form = byId(id).querySelector('form')
  form?.addEventListener('submit', (event) => {
    event.preventDefault()
    void act(form)
  })
}

function field(form: HTMLFormElement, name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement
}
