import { debianRecipe } from '../debian-12/recipe.ts'

/**
 * Debian 12 with what runs a service's application: podman, which finds container images on the machine's
 * container disk (a file system labelled `berth-images`, mounted when there is one), and nginx in front of it.
 * Neither does anything until an application is set up.
 */
export const debian12ServicesRecipe = debianRecipe({
  name: 'debian-12-services',
  packages: ['podman', 'crun', 'nginx', 'openssl'],
  files: {
    'customize-services': new URL('customize-services', import.meta.url),
    'storage.conf': new URL('storage.conf', import.meta.url),
    'var-lib-berth-images.mount': new URL('var-lib-berth-images.mount', import.meta.url),
    '90-berth-images.rules': new URL('90-berth-images.rules', import.meta.url),
  },
  customizers: ['customize-services'],
})
