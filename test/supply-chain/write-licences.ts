// `pnpm licences`: writes docs/LICENCES.md anew.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../repository.ts'
import { licenceList, licencesOfDependencies } from './licences.ts'

writeFileSync(join(REPOSITORY, 'docs/LICENCES.md'), licenceList(licencesOfDependencies()))
